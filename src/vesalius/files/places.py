"""Where what may be deleted without loss lies: stored pixels, features, downloads, and the user's key."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path:
    """``VESALIUS_CACHE``, or the platform's cache folder for Vesalius. It need not exist yet."""
    named = os.environ.get("VESALIUS_CACHE")
    if named:
        return Path(named).expanduser()
    from platformdirs import user_cache_dir

    return Path(user_cache_dir("vesalius", appauthor=False))
