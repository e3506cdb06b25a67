"""What was found when a network was filled with weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Loaded:
    """Names of tensors that matched; that the source lacks or has in another shape; that the network has no use for."""

    source: str
    matched: tuple[str, ...]
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    adapted: tuple[str, ...] = ()

    def sentence(self) -> str:
        """One line for logs and cards."""
        text = f"{len(self.matched)} of {len(self.matched) + len(self.missing)} tensors from {self.source}"
        if self.missing:
            text += f"; missing {some(self.missing)}"
        if self.unexpected:
            text += f"; left out {some(self.unexpected)}"
        return "; ".join([text, *self.adapted])


def some(names: Sequence[str], most: int = 4) -> str:
    """The first names and how many more there are."""
    if not names:
        return "none"
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
