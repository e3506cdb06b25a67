"""Saliency of images by occlusion: each place of a window scored, and the scores made a map of pixels."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import torch
from jaxtyping import Float
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor

from vesalius.encoders.encoder import Encoder
from vesalius.encoders.resizing import resized
from vesalius.errors import UserError
from vesalius.evaluate.occluded import refining
from vesalius.evaluate.occluded.scanning import Scanner
from vesalius.measures.occlusion import saliency_map

_BLOCK = 8192
"""Places that are kept together: what a kill can cost."""
_CPU_BATCH = 32
"""Images at once on a processor, where more do not make it faster."""
Kept = Callable[[str, Callable[[], Tensor]], Tensor]
"""A name and how its tensor is made, to the tensor, made or kept from before."""


class Hiding(BaseModel):
    """What is hidden, and where."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    window: int = Field(10, ge=1, description="Pixels a side of the window that is hidden.")
    stride: int = Field(1, ge=1, description="Pixels that the window is moved by; 1 is the original's, and exact.")
    fill: str | float = Field("mean", description="What stands in the window: mean (what the network takes as 0), black, or a number from 0 to 1.")
    margin: bool | None = Field(
        None, description="Enlarge the image so that no window hangs over the border, and show its middle: 242 pixels for 224; empty: under compat alone."
    )
    coarse_to_fine: bool = Field(False, description="Score a few places and interpolate the others.")
    budget: float = Field(0.04, gt=0, le=1, description="Share of the places that coarse-to-fine scores.")

    def refuse(self) -> None:
        """Raise UserError for fields that do not fit together."""
        if self.stride > self.window:
            raise UserError(f"A window of {self.window} pixels that is moved by {self.stride} leaves pixels out. Make stride at most the window.")
        if self.coarse_to_fine and self.stride > 1:
            raise UserError("coarse_to_fine estimates the map of stride 1. Leave stride at 1, or leave coarse_to_fine out.")
        if isinstance(self.fill, str) and self.fill not in ("mean", "black"):
            raise UserError(f"fill is {self.fill!r}; it is mean, black or a number from 0 to 1.")
        if isinstance(self.fill, float | int) and not 0 <= self.fill <= 1:
            raise UserError(f"fill is {self.fill:g}; images are floats from 0 to 1, and so is what hides a part of them.")


def filling(hiding: Hiding, encoder: Encoder) -> Float[Tensor, " channels"]:
    """What stands in the window, as the network takes it."""
    card = encoder.card
    if hiding.fill == "mean" and card.mean:
        return torch.zeros(card.channels)
    value = 0.0 if isinstance(hiding.fill, str) else float(hiding.fill)
    return encoder.standardised(torch.full((1, card.channels, 1, 1), value)).flatten()


def enlarged(hiding: Hiding, encoder: Encoder) -> Encoder:
    """``encoder`` for images with a margin of a window less a pixel on each side. Raises UserError where it does not take that size."""
    sides = tuple(side + 2 * (hiding.window - 1) for side in encoder.card.size)
    try:
        return resized(encoder, sides).to(next(encoder.parameters()).device)
    except UserError as error:
        raise UserError(
            f"{encoder.card.architecture} does not take images of {' × '.join(map(str, sides))} pixels, which a margin for windows of {hiding.window} needs: "
            f"{error} Without a margin (--margin false) windows hang over the border instead, and every pixel is covered as often."
        ) from error


class Occlusion:
    """``encoder``, in evaluation mode, whose images are hidden in part. ``margin``: by how many pixels they are enlarged on each side."""

    def __init__(self, hiding: Hiding, encoder: Encoder, *, margin: int = 0, autocast: torch.dtype | None = None, batch_size: int = 256) -> None:
        self.hiding, self.encoder, self.margin, self.autocast, self.batch_size = hiding, encoder, margin, autocast, batch_size
        self.size = tuple(side - 2 * margin for side in encoder.card.size)
        self.places = tuple(len(range(0, side + hiding.window - 1, hiding.stride)) for side in self.size)
        self._scanner: Scanner | None = None

    @property
    def forwarded(self) -> int:
        """How many times an image goes through the encoder for a map."""
        if self.hiding.coarse_to_fine:
            return refining.count(self.places, self.hiding.budget)
        return self.places[0] * self.places[1]

    def map(self, x: Tensor, kept: Kept, progress: Callable[[int], None]) -> tuple[Float[Tensor, "height width"], float | None]:
        """The saliency of each pixel of ``x`` (C, H, W), on the CPU; of coarse-to-fine how well interpolated scores correlate with true ones.

        ``progress`` gets how many places were scored since it was last called.
        """
        score, agreement = self._scoring(x, kept, progress), None
        if self.hiding.coarse_to_fine:
            scores, agreement = refining.estimated(lambda places: score(places, "coarse"), self.places, self.hiding.budget)
        else:
            every = torch.cartesian_prod(*(torch.arange(count) for count in self.places)).view(-1, 2)
            scores = torch.cat([score(part, f"{n}") for n, part in enumerate(torch.split(every, _BLOCK))]).view(self.places)
        return saliency_map(scores, self.hiding.window, self.size, stride=self.hiding.stride), agreement

    def _scoring(self, x: Tensor, kept: Kept, progress: Callable[[int], None]) -> Callable[[Tensor, str], Tensor]:
        """What gives the scores of places of ``x`` under a name. Nothing is prepared where all are kept."""
        batch = self.batch_size if x.device.type != "cpu" else min(self.batch_size, _CPU_BATCH)
        looking: list[Scanner] = []

        def scored(places: Tensor) -> Iterator[Tensor]:
            if not looking:
                looking.append(self._looking_at(x))
            for part in torch.split(places, batch):
                yield looking[0].scores(part.to(x.device) * self.hiding.stride + self.margin)
                progress(len(part))

        return lambda places, name: kept(name, lambda: torch.cat(list(scored(places)))).float()

    def _looking_at(self, x: Tensor) -> Scanner:
        """What scores places of ``x``; planned for the first image, and the same for all."""
        if self._scanner is None:
            self._scanner = Scanner(self.encoder, x[None], self.hiding.window, filling(self.hiding, self.encoder).to(x.device), self.autocast)
        else:
            self._scanner.look_at(x[None])
        return self._scanner


class Pace:
    """Says, once it is known, how long the maps of one encoder take, where that is long. ``say`` gets the sentence."""

    LONG = 120.0
    """Seconds for a map from which on it is worth a word."""
    _KNOWN = 3.0
    """Seconds of work after which the pace is known."""

    def __init__(self, what: str, images: int, places: int, coarse: bool, say: Callable[[str], None]) -> None:
        self.what, self.images, self.places, self.coarse, self.say = what, images, places, coarse, say
        self._began: float | None = None
        self._done, self._said = 0, False

    def __call__(self, scored: int) -> None:
        """Note that ``scored`` more places are done."""
        now = time.perf_counter()
        if self._began is None:  # the first batch holds the preparation
            self._began = now
            return
        self._done += scored
        if self._said or now - self._began < self._KNOWN:
            return
        self._said = True
        seconds = (now - self._began) / self._done * self.places
        if seconds < self.LONG:
            return
        hint = "" if self.coarse else " --coarse-to-fine takes a twentieth of that."
        whole = f", {seconds * self.images / 60:,.0f} minutes for its {self.images} images" if self.images > 1 else ""
        self.say(f"{self.what}: {self.places:,} places of the window take about {seconds / 60:,.0f} minutes an image here{whole}.{hint}")
