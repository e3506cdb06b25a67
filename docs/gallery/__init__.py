"""``docs/gallery.md`` and its pictures, from real images and real encoders: ``python -m docs.gallery``."""
