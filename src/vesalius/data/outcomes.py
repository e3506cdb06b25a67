"""What reading a file comes to: pixels, or one sentence saying why there are none."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from numpy.typing import NDArray


class Kind(StrEnum):
    """Why a file could not be read."""

    MISSING = "missing"
    """It is not there, or may not be read."""
    UNREACHABLE = "unreachable"
    """It lies behind an address and could not be fetched, though it was tried for a while."""
    EMPTY = "empty"
    """It has no bytes."""
    TRUNCATED = "truncated"
    """It ends before its pixels do."""
    CORRUPT = "corrupt"
    """Its content contradicts itself."""
    TOO_LARGE = "too large"
    """It would unpack to more than ``readers.MAX_VALUES`` values."""
    NOT_AN_IMAGE = "not an image"
    """It is something else."""
    UNSUPPORTED = "unsupported"
    """It is an image of a kind that is not read, or whose depth or channels would be lost."""
    NEEDS_PACKAGE = "needs a package"
    """It can be read once a package is installed."""
    NO_FRAME = "no such frame"
    """It has fewer frames."""
    NOT_FINITE = "not finite"
    """It holds NaN or infinite values."""
    GEOMETRY = "geometry"
    """Its slices or its axes make no volume: a gap, mixed orientations, voxels without a size."""
    OUTSIDE = "outside"
    """The box lies outside the image."""


PASSING = frozenset({Kind.MISSING, Kind.UNREACHABLE, Kind.NEEDS_PACKAGE})
"""Refusals that may end without the file changing: they are tried again at every build."""


class Unreadable(Exception):
    """One file, or one frame of it, gives no pixels. The sentence names no path: it may be written anywhere."""

    def __init__(self, kind: Kind, sentence: str) -> None:
        super().__init__(sentence)
        self.kind = kind


@dataclass(frozen=True)
class Decoded:
    """One image as it was in its file, upright.

    ``pixels`` (H, W, C), uint8 or uint16. Physical value, in [0, 1] for plain images: ``pixels * scale + offset``.
    ``low``, ``high``: what 0 and 1 stood for in the file (HU, a float TIFF's own range). ``frames``: how many the file
    has. ``notes``: what was done on the way, in words.
    """

    pixels: NDArray[Any]
    scale: float
    offset: float = 0.0
    low: float = 0.0
    high: float = 1.0
    frames: int = 1
    notes: tuple[str, ...] = ()
