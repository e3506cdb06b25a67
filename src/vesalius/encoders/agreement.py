"""Whether a network that was written and loaded elsewhere still gives our features."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from vesalius.encoders.encoder import Card, Encoder
from vesalius.encoders.exported import Reloaded
from vesalius.random import uniform

TOLERANCE = 1e-4
"""The largest difference that passes, over the largest feature of the same output."""

BATCHES = (1, 3)
"""Two numbers of images: a batch axis that was fixed while writing shows."""

_MODES = {1: "linear", 2: "bilinear", 3: "trilinear"}


@dataclass(frozen=True)
class Agreement:
    """``difference``: the largest between two features; ``relative``: over the largest feature of that output;
    ``largest``: the largest feature; ``outputs``: what was compared.
    """

    difference: float
    relative: float
    largest: float
    outputs: tuple[str, ...]

    @property
    def good(self) -> bool:
        """Within the tolerance; NaN is not."""
        return self.relative <= TOLERANCE


def probe_images(card: Card, count: int) -> Tensor:
    """``(count, channels, *size)`` in [0, 1]: soft shapes, each image with a brightness and a contrast of its own."""
    coarse = [max(2, side // 4) for side in card.size]
    drawn = uniform(0, 0, np.arange(count, dtype=np.uint64), "export", 2 + card.channels * math.prod(coarse))
    values = torch.from_numpy(drawn).float()
    shapes = values[:, 2:].reshape(count, card.channels, *coarse)
    soft = F.interpolate(shapes, size=tuple(card.size), mode=_MODES[len(card.size)], align_corners=False)
    low, contrast = (values[:, i].reshape(-1, *[1] * (soft.ndim - 1)) for i in (0, 1))
    return low * 0.5 + soft * (0.25 + 0.25 * contrast)


def agreement(encoder: Encoder, reloaded: Reloaded) -> Agreement:
    """Features of the same images by ``encoder``, in evaluation mode on the CPU, and by what was written from it."""
    found: dict[str, tuple[float, float]] = {}
    for count in BATCHES:
        x = probe_images(encoder.card, count)
        with torch.no_grad():
            ours, theirs = encoder(x)._asdict(), reloaded(x)
        for name, (difference, largest) in _compared(ours, theirs).items():
            known = found.get(name, (0.0, 0.0))
            found[name] = (_worst(known[0], difference), max(known[1], largest))
    relative = [difference / largest if largest else difference for difference, largest in found.values()]
    return Agreement(
        _worst(*(difference for difference, _ in found.values())),
        _worst(*relative),
        max(largest for _, largest in found.values()),
        tuple(found),
    )


def _compared(ours: Mapping[str, Tensor], theirs: Mapping[str, Tensor]) -> dict[str, tuple[float, float]]:
    """For each output the largest difference and our largest value; an output of another shape differs without end."""
    out = {}
    for name, found in theirs.items():
        wanted = ours[name]
        same = found.shape == wanted.shape
        difference = float((found.double() - wanted.double()).abs().max()) if same else math.inf
        out[name] = (difference, float(wanted.abs().max()))
    return out


def _worst(*values: float) -> float:
    """The largest; NaN where one is."""
    return math.nan if any(math.isnan(value) for value in values) else max(values)
