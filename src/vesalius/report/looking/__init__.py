"""Sections of what is seen inside an encoder: where it looks, what it lets pass, what can be got back from it."""
