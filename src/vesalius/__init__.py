"""Vesalius: learn an image encoder without labels, measure what it is worth, pick what to label."""

from __future__ import annotations

__version__ = "0.1.0"
