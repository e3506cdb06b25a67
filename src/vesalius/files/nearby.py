"""What a path that is not there was probably meant to be."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path


def near(reference: str) -> list[str]:
    """At most three paths beside ``reference`` whose names are most like its own, written as it was; none where its folder cannot be read."""
    place = Path(reference).expanduser()
    try:
        known = {path.name.lower(): path.name for path in place.parent.iterdir() if not path.name.startswith(".")}
    except (OSError, ValueError):
        return []
    written = reference.rstrip("/").removesuffix(place.name)
    return [f"{written}{known[name]}" for name in get_close_matches(place.name.lower(), known, n=3)]
