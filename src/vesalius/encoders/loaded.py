"""What was found when a network was filled with weights."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_HEADS = re.compile(
    r"(^|\.)(\w*head\w*|fc|fc_norm|classifier|linear|last_linear|projector|projection\w*|predictor|prototypes|queue\w*|"
    r"non_linear_evaluator|decoder\w*|mask_token|criterion|loss)(\.|$)"
)
"""A part of a name that belongs to what stands on an encoder in training, or to its loss."""


@dataclass(frozen=True)
class Loaded:
    """Names of tensors that matched; that the source lacks or has in another shape; that the network has no use for.

    ``layout``: what kind of checkpoint was recognised, in words; empty for our own. ``reshaped``: of the missing, those
    that the source has in another shape, with both shapes.
    """

    source: str
    matched: tuple[str, ...]
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    adapted: tuple[str, ...] = ()
    layout: str = ""
    reshaped: tuple[str, ...] = ()

    @property
    def heads(self) -> tuple[str, ...]:
        """Of the unexpected, what belongs to heads: an encoder has none."""
        return tuple(name for name in self.unexpected if _HEADS.search(name))

    def sentence(self) -> str:
        """One line for logs and cards."""
        text = f"{len(self.matched)} of {len(self.matched) + len(self.missing)} tensors from {self.source}"
        text += f" ({self.layout})" if self.layout else ""
        if self.missing:
            text += f"; missing {some(self.missing)}"
        if self.reshaped:
            text += f"; random because of another shape: {some(self.reshaped)}"
        heads = set(self.heads)
        others = [name for name in self.unexpected if name not in heads]
        if others:
            text += f"; left out {some(others)}"
        if heads:
            text += f"; left out as it should be, the head: {some(self.heads)}"
        return "; ".join([text, *self.adapted])


def some(names: Sequence[str], most: int = 4) -> str:
    """The first names and how many more there are."""
    if not names:
        return "none"
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
