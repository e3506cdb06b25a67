"""Data sets of the user's own, in code: torchvision's ``VisionDataset`` and whatever else has a length and items."""

from vesalius.data.own.indexing import table_of

__all__ = ["table_of"]
