"""What was found when a network was filled with weights."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_HEADS = re.compile(
    r"(^|\.)(\w*head\w*|fc|fc_norm|classifier|linear|last_linear|projector|projection\w*|predictor|prototypes|queue\w*|"
    r"non_linear_evaluator|decoder\w*|conv3d_transpose\w*|up_layers|mask_tokens?|criterion|loss)(\.|$)"
)
"""A part of a name that belongs to what stands on an encoder in training, or to its loss."""
_DEAD = re.compile(r"(^|\.)(cross_attn|norm_cross_attn|patch_embedding\.cls_token)(\.|$)")
"""What networks of MONAI have carried along in one version or another without ever calling it."""


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

    @property
    def dead(self) -> tuple[str, ...]:
        """Of the unexpected, what no forward of the network it comes from ever used."""
        return tuple(name for name in self.unexpected if _DEAD.search(name))

    def sentence(self) -> str:
        """One line for logs and cards."""
        text = f"{len(self.matched)} of {len(self.matched) + len(self.missing)} tensors from {self.source}"
        text += f" ({self.layout})" if self.layout else ""
        if self.missing:
            text += f"; missing {some(self.missing)}"
        if self.reshaped:
            text += f"; random because of another shape: {some(self.reshaped)}"
        set_aside = {*self.heads, *self.dead}
        others = [name for name in self.unexpected if name not in set_aside]
        if others:
            text += f"; left out {some(others)}"
        if self.heads:
            text += f"; left out as it should be, the head: {some(self.heads)}"
        if self.dead:
            text += f"; left out, since nothing ever used it: {some(self.dead, 1)}"
        return "; ".join([text, *self.adapted])


def some(names: Sequence[str], most: int = 4) -> str:
    """The first names and how many more there are."""
    if not names:
        return "none"
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
