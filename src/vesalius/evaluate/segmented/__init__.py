"""The examination of segmenters."""
