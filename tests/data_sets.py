"""Where the tests find data sets that are not part of the project; a missing one skips, or fails in CI."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_PROJECT = Path(__file__).resolve().parents[1]
_PLACES = {
    "fashion-mnist": Path("/usr/share/datasets/fashion-mnist"),
    "pneumoniamnist": _PROJECT.parent / "shared" / "data" / "pneumoniamnist.npz",
    "bccd": _PROJECT.parent / "shared" / "data" / "bccd",
}
LISTS = _PROJECT.parent / "shared" / "reference" / "datalists"
"""The lists of MONAI's tutorial, where they are at hand; they are no part of the project."""
# What CI installs itself must be there; what lies beside the project may be absent on a user's machine.


def require(name: str) -> Path:
    """The path of data set ``name``; skips where it is absent, fails there under VESALIUS_REQUIRE_DATA=1."""
    place = _PLACES[name]
    if place.exists():
        return place
    if os.environ.get("VESALIUS_REQUIRE_DATA") == "1":
        pytest.fail(f"missing data: {name}")
    pytest.skip(f"missing data: {name}")
