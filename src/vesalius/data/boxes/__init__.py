"""Boxes of objects beside images: what was annotated, or what a detector found, one format a file of ``formats``."""
