"""What of a map must be computed again when a window of the image is hidden: for each place of the window, along one axis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from vesalius.evaluate.occluded.reach import Link


@dataclass(frozen=True)
class Crop:
    """Along one axis, for each place p of the window: ``start[p]``, the first pixel of what a link is given, ``length`` pixels; and of its
    output ``kept`` pixels from ``made[p]`` on, which hold all that has changed. Both in pixels of the whole map.
    """

    start: Tensor
    length: int
    made: Tensor
    kept: int


def along(links: Sequence[Link], axis: int, first: Tensor, window: int) -> list[Crop]:
    """A crop for each of ``links`` along ``axis`` (0: down, 1: across); ``first`` (places,): the first pixel of the window at each place.

    Crops are as long for every place, lie within the map, begin at multiples of the link's step and are as odd as the map is, so that the
    link pads them as it pads the map; what its padding spoils inside the map is not kept.
    """
    found = []
    side = links[0].size[axis] if links else 0
    low, high = first.clamp(0), (first + window - 1).clamp(max=side - 1)  # what has changed
    patch, held = low, int((high - low).max()) + 1  # what is pasted, at least that
    patch = patch.clamp(max=side - held) if links else patch
    for link in links:
        side, step = link.size[axis], link.step
        out = -(-side // step)
        low = ((low - link.after + step - 1).div(step, rounding_mode="floor")).clamp(0)
        high = ((high + link.before).div(step, rounding_mode="floor")).clamp(max=out - 1)
        kept = int((high - low).max()) + 1
        made = low.clamp(max=out - kept)
        needed = torch.minimum(made * step - link.before, patch).clamp(0)
        end = torch.maximum((made + kept - 1) * step + link.after, patch + held - 1).clamp(max=side - 1)
        start = needed // step * step
        length = int((end - start).max()) + 1
        length = min(side, length + (side - length) % step)
        found.append(Crop(start.clamp(max=side - length), length, made, kept))
        patch, held = made, kept
    return found
