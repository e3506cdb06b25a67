"""How far an encoder's feature moves when a window of the image is hidden, at many places of the window at once."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from vesalius.encoders.encoder import Encoder
from vesalius.errors import UserError
from vesalius.evaluate.occluded.crops import Crop, along
from vesalius.evaluate.occluded.folding import folded
from vesalius.evaluate.occluded.reach import Link, chain

WORTH = 0.75
"""A link that must compute more than this share of its map again computes all of it, and so does what follows."""
_TOLERANCE = 1e-5
"""By which share of its length a feature may differ from that of a whole pass, in single precision, before shortcuts are given up."""


class Scanner:
    """``encoder``, in evaluation mode, on images (1, C, H, W) as it takes them, one at a time and first on ``x``, of which a window of ``window``
    pixels a side becomes ``fill`` (C,), standardised. Place p of an axis, of ``places``, has its first pixel at p + 1 - window: windows hang over.

    A hidden window changes a small part of the first maps: only that is computed again, and put into the map of the whole image. This is
    exact; of a network that is not built so, or does not agree, every image goes through all of it. Raises UserError for a feature of no length.
    """

    def __init__(self, encoder: Encoder, x: Tensor, window: int, fill: Tensor, autocast: torch.dtype | None = None) -> None:
        self.encoder, self.window, self.fill, self.autocast = encoder, window, fill, None
        self.size = tuple(x.shape[2:])
        image = self._standardised(x)
        # whole digits on both sides of the comparison: a GPU's TF32 keeps three, and would seem to disagree
        with torch.inference_mode(), torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
            made = folded(encoder, image)
            self._plan(made, chain(made, image))
            self._see(image)
            if not self._agrees():
                self._plan(encoder, [])
        self.autocast = autocast
        self.look_at(x)

    def look_at(self, x: Float[Tensor, "1 channels height width"]) -> None:
        """Score places of ``x`` from now on, an image of the size of the first."""
        with torch.inference_mode():
            self._see(self._standardised(x))
        length = float(self.clean.norm())
        if not 0 < length < float("inf"):
            what = "is all zeros" if length == 0 else "has values that are no numbers"
            raise UserError(
                f"The feature that {self.encoder.card.architecture} makes of a whole image {what}, so that no distance from it can be told. Look at its "
                "weights, or evaluate with --precision fp32."
            )

    @property
    def places(self) -> tuple[int, int]:
        """How many places there are down and across."""
        return self.size[0] + self.window - 1, self.size[1] + self.window - 1

    def scores(self, places: Int64[Tensor, "n 2"]) -> Float[Tensor, " n"]:
        """Of each place (down, across): the distance of the feature from that of the whole image, over the latter's length."""
        with torch.inference_mode():
            found: Tensor = (self._features(places) - self.clean).norm(dim=1) / self.clean.norm()
            return found

    def _standardised(self, x: Tensor) -> Tensor:
        return self.encoder.standardised(x).contiguous(memory_format=torch.channels_last)

    def _plan(self, encoder: Encoder, links: Sequence[Link]) -> None:
        """Which of ``links`` are worth a shortcut, and what is computed again in each."""
        first = [torch.arange(1 - self.window, side, device=self.fill.device) for side in self.size]
        self.crops: list[tuple[Crop, Crop]] = []
        for link, down, across in zip(links, along(links, 0, first[0], self.window), along(links, 1, first[1], self.window), strict=True):
            if down.length * across.length > WORTH * link.size[0] * link.size[1]:
                break
            self.crops.append((down, across))
        self.links = links[: len(self.crops)]
        self.rest = _without(encoder, [name for link in self.links for name in link.names])

    def _see(self, image: Tensor) -> None:
        """The maps and the feature of a whole standardised image."""
        maps = [image]
        with self._cast():
            for link in self.links:
                maps.append(link.module(maps[-1].clone()))  # which may write to what it is given
            self.clean = self.rest.encode(maps[-1].clone(), None, None).pooled[0].float()
        self.image, self.maps, self.base = image, maps[:-1], maps[-1]

    def _features(self, places: Tensor) -> Tensor:
        put: Tensor = self.fill
        at = [_span(places[:, axis] + 1 - self.window, self.window).clamp(0, side - 1) for axis, side in enumerate(self.size)]
        with self._cast():
            for link, given, crops in zip(self.links, self.maps, self.crops, strict=True):
                starts = [crop.start[places[:, axis]] for axis, crop in enumerate(crops)]
                taken = _at(*(_span(start, crop.length) for start, crop in zip(starts, crops, strict=True)))
                maps = given[0].permute(1, 2, 0)[taken]
                _put(maps, put, [pixels - start[:, None] for pixels, start in zip(at, starts, strict=True)])
                made = link.module(maps.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
                at = [_span(crop.made[places[:, axis]], crop.kept) for axis, crop in enumerate(crops)]
                kept = [pixels - (start // link.step)[:, None] for pixels, start in zip(at, starts, strict=True)]
                put = made[_each(len(places), made), *_at(*kept)]
            maps = self.base[0].permute(1, 2, 0).expand(len(places), -1, -1, -1).clone(memory_format=torch.contiguous_format)
            _put(maps, put, at)
            return self.rest.encode(maps.permute(0, 3, 1, 2), None, None).pooled.float()

    def _agrees(self) -> bool:
        """Whether features at the corners, borders and within are those of whole passes."""
        (down, across), w = self.places, self.window
        some = [(0, 0), (0, across - 1), (down - 1, 0), (down - 1, across - 1), (down // 2, across // 2), (down // 3, across // 5), (w // 2, across - w)]
        places = torch.tensor([*some, (2 * down // 3 + 1, 3 * across // 4)], device=self.image.device)
        hidden = self.image.expand(len(places), -1, -1, -1).clone()
        for image, (row, column) in zip(hidden, places.tolist(), strict=True):
            image[:, max(0, row + 1 - w) : row + 1, max(0, column + 1 - w) : column + 1] = self.fill[:, None, None]
        whole = self.encoder.encode(hidden, None, None).pooled.float()
        return bool(((self._features(places) - whole).norm(dim=1) <= _TOLERANCE * whole.norm(dim=1)).all())

    def _cast(self) -> torch.autocast:
        return torch.autocast(self.fill.device.type, dtype=self.autocast, enabled=self.autocast is not None)


def _span(start: Tensor, length: int) -> Tensor:
    """(n, length) pixels from ``start`` (n,) on."""
    return start[:, None] + torch.arange(length, device=start.device)


def _at(rows: Tensor, columns: Tensor) -> tuple[Tensor, Tensor]:
    return rows[:, :, None], columns[:, None, :]


def _each(count: int, like: Tensor) -> Tensor:
    return torch.arange(count, device=like.device)[:, None, None]


def _put(maps: Tensor, values: Tensor, at: Sequence[Tensor]) -> None:
    """Write ``values`` (n, rows, columns, C) or (C,) into ``maps`` (n, H, W, C)."""
    maps[_each(len(maps), maps), *_at(*at)] = values.to(maps.dtype)


def _without(encoder: Encoder, names: Sequence[str]) -> Encoder:
    """A copy of ``encoder`` that takes what the modules ``names`` put out; ``encoder`` itself without any."""
    if not names:
        return encoder
    made = deepcopy(encoder).to(memory_format=torch.channels_last)
    for name in names:
        made.network.set_submodule(name, nn.Identity())
    return made.eval()
