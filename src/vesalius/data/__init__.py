"""Data sets: tables of samples, their pixels, and how they are divided."""
