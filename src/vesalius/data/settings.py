"""How pixels are stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from vesalius.errors import UserError

Window = Literal["none", "file", "percentiles"] | tuple[float, float]
"""How grey DICOM values become black to white: ``none`` (all the file's integers can hold), ``file`` (the file's own first
lookup table or window; where it has none, percentiles of images deeper than 8 bits), ``percentiles`` (PERCENTILES of each
image), or centre and width in the file's rescaled units (HU). Other files are not windowed."""

PERCENTILES = (0.5, 99.5)
"""Of an image's pixels without its padding: what becomes black and white."""

LONGEST = 4
"""The longer side is capped at this many times the store size, so that one thin strip does not fill a batch."""


@dataclass(frozen=True)
class StoreSettings:
    """``size``: the shorter side in pixels to which larger images are reduced, aspect ratio kept (smaller ones stay as
    they are); ``"native"`` keeps every pixel. ``channels``: 1 (luma of ITU-R 601), 3 (grey repeated), another number, which
    images must then have, or ``"keep"``. ``window``: see ``Window``.
    """

    size: int | Literal["native"] = "native"
    channels: int | Literal["keep"] = "keep"
    window: Window = "file"

    def __post_init__(self) -> None:
        if self.size != "native" and (isinstance(self.size, str) or self.size < 1):
            raise UserError(f"The store size is {self.size!r}; give a number of pixels, or 'native'.")
        if self.channels != "keep" and (isinstance(self.channels, str) or self.channels < 1):
            raise UserError(f"The store's channels are {self.channels!r}; give 1, 3, the number the images have, or 'keep'.")

    @property
    def key(self) -> str:
        """These settings in one word: part of every record's address."""
        window = self.window if isinstance(self.window, str) else f"c{self.window[0]:g}w{self.window[1]:g}"
        return f"{self.size}-{self.channels}" + (f"-{window}" if window != "file" else "")


def window_of(said: Any) -> Window:
    """A window as it was written: one of the words, or centre and width. Raises UserError for anything else."""
    if said in ("none", "file", "percentiles"):
        return said  # type: ignore[no-any-return]
    words = said.split(",") if isinstance(said, str) else list(said) if isinstance(said, Sequence) else []
    try:
        centre, width = (float(word) for word in words)
    except (TypeError, ValueError):
        width = 0.0
    if not width > 0:
        raise UserError(
            f"The window is {said!r}. Give none, file, percentiles, or centre and width as in [40, 400], the width above 0."
        )
    return centre, width
