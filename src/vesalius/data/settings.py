"""How pixels are stored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from vesalius.errors import UserError

LONGEST = 4
"""The longer side is capped at this many times the store size, so that one thin strip does not fill a batch."""


@dataclass(frozen=True)
class StoreSettings:
    """``size``: the shorter side in pixels to which larger images are reduced, aspect ratio kept (smaller ones stay as
    they are); ``"native"`` keeps every pixel. ``channels``: 1 (luma of ITU-R 601), 3 (grey repeated), another number, which
    images must then have, or ``"keep"``.
    """

    size: int | Literal["native"] = "native"
    channels: int | Literal["keep"] = "keep"

    def __post_init__(self) -> None:
        if self.size != "native" and (isinstance(self.size, str) or self.size < 1):
            raise UserError(f"The store size is {self.size!r}; give a number of pixels, or 'native'.")
        if self.channels != "keep" and (isinstance(self.channels, str) or self.channels < 1):
            raise UserError(f"The store's channels are {self.channels!r}; give 1, 3, the number the images have, or 'keep'.")

    @property
    def key(self) -> str:
        """These settings in one word: part of every record's address."""
        return f"{self.size}-{self.channels}"
