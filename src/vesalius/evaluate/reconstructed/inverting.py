"""Images found again from their features: generators fitted until an encoder makes the same of what they paint.

Ulyanov, Vedaldi and Lempitsky, "Deep Image Prior" (CVPR 2018), section 3.5: the mean squared error of a frozen layer's features is lowered by
Adam over the generator's parameters. There is no other prior and no noise is added to the input. The encoder is in evaluation mode throughout and
its parameters take no gradient; the generator's BatchNorms measure the one image that is painted.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from vesalius.encoders.encoder import Encoder
from vesalius.encoders.probing import untouched
from vesalius.errors import UserError
from vesalius.evaluate.reconstructed import state
from vesalius.evaluate.reconstructed.generator import Generators
from vesalius.evaluate.reconstructed.layers import features, frozen
from vesalius.measures.picture_quality import feature_error

SAVED_EVERY = 100
"""Iterations between two states on disk: at most so many are done again after a kill."""
_LOOKED_EVERY = 2.0
"""Seconds between two looks at the error while it runs: a look waits for the device."""
_STOPPED_EVERY = 10
"""Iterations between two questions whether the fit is over."""
_FRAMES = 7


@dataclass(frozen=True)
class Fit:
    """How an image is found again. ``layer``: see ``layers.features``; ``autocast``: the type that is computed in, None for fp32; ``until``: the
    fit is over once the error of each of its images is no more, before all iterations; 0 for never.
    """

    layer: str = "map"
    iterations: int = 1000
    lr: float = 1e-3
    autocast: torch.dtype | None = None
    until: float = 0.0

    @property
    def shown_at(self) -> list[int]:
        """Iterations of the filmstrip, counted from 1 and evenly spaced in their logarithm, the last among them."""
        return sorted({round(at) for at in np.geomspace(1, self.iterations, _FRAMES).tolist()})


@dataclass(frozen=True)
class Inverted:
    """``images``: what was painted where the features were nearest, not held in [0, 1]; ``errors``: the relative squared error of the features
    at each iteration, NaN where the fit was over before, ``frames``: the picture at ``Fit.shown_at``, nearest so far. ``seconds``: of all together.
    """

    images: Float[Tensor, "images channels rows columns"]
    errors: Float[Tensor, "iterations images"]
    frames: UInt8[Tensor, "frames images channels rows columns"]
    seconds: float

    def tensors(self) -> dict[str, Tensor]:
        """Everything, for a cell."""
        return {"images": self.images, "errors": self.errors, "frames": self.frames, "seconds": torch.tensor(self.seconds)}


def invert(
    encoder: Encoder,
    x: Float[Tensor, "images channels rows columns"],
    seeds: Sequence[int],
    fit: Fit,
    *,
    kept: state.Kept | None = None,
    saved_every: int = SAVED_EVERY,
    progress: Callable[..., None] = lambda *_, **__: None,
) -> Inverted:
    """Images painted until ``fit.layer`` makes of them what it makes of ``x`` (in [0, 1], as the encoder takes them), all at once.

    ``seeds``: of each image's generator and noise. ``kept``: where its state is saved; a fit that was begun there goes on, bit for bit.
    Raises UserError where the features cannot be fitted: all zero, or not finite.
    """
    began, device = time.perf_counter(), x.device
    generators = Generators(seeds, x.shape[1], x.shape[2:]).to(device)
    optimizer = torch.optim.Adam(generators.parameters(), lr=fit.lr, fused=device.type in ("cpu", "cuda"))
    held = {
        "images": torch.zeros_like(x),
        "nearest": torch.full((len(x),), torch.inf, device=device),
        "errors": torch.full((fit.iterations, len(x)), torch.nan, device=device),
        "frames": torch.zeros((len(fit.shown_at), *x.shape), dtype=torch.uint8, device=device),
    }
    begun, earlier = (0, 0.0) if kept is None else state.restored(kept, generators, optimizer, held)
    with untouched(encoder), frozen(encoder), torch.autocast(device.type, dtype=fit.autocast, enabled=fit.autocast is not None):
        true = features(encoder, x, fit.layer).detach().float()
        _refuse_unfit(encoder, fit, true)
        looked = time.perf_counter()
        for step in range(begun, fit.iterations):
            painted = generators().float()
            made = features(encoder, painted, fit.layer).float()
            # each image's own mean: its generator learns as if it were alone
            (made - true).square().flatten(1).mean(1).sum().backward()  # type: ignore[no-untyped-call]
            _keep(held, painted.detach(), feature_error(made.detach(), true), step, fit)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            done, now = step + 1, time.perf_counter()
            if kept is not None and done % saved_every == 0 and done < fit.iterations:
                state.save(kept, done, earlier + now - began, generators, optimizer, held)
            if now - looked > _LOOKED_EVERY:
                looked, note = now, f"error {float(held['nearest'].mean()):.3f}"
                progress(done, fit.iterations, note=note, earlier=begun)
            if fit.until and done % _STOPPED_EVERY == 0 and bool((held["nearest"] <= fit.until).all()):
                later = [number for number, at in enumerate(fit.shown_at) if at > done]
                held["frames"][later] = _shown(held["images"])
                break
    if not bool(held["nearest"].isfinite().all()):
        raise UserError(
            f"What {encoder.card.architecture} makes of painted images at the layer {fit.layer!r} is not finite, so that nothing can be fitted. Its weights "
            "are damaged or overflow: look at them, evaluate with --precision fp32, or lower --reconstruction.lr."
        )
    return Inverted(held["images"], held["errors"], held["frames"], earlier + time.perf_counter() - began)


def _keep(held: dict[str, Tensor], painted: Tensor, errors: Tensor, step: int, fit: Fit) -> None:
    """Note the errors, and what is nearer than all before; nothing waits for the device."""
    held["errors"][step] = errors
    nearer = errors < held["nearest"]
    held["nearest"] = torch.where(nearer, errors, held["nearest"])
    held["images"] = torch.where(nearer.view(-1, 1, 1, 1), painted, held["images"])
    if step + 1 in fit.shown_at:
        held["frames"][fit.shown_at.index(step + 1)] = _shown(held["images"])


def _shown(images: Tensor) -> Tensor:
    return (images.clamp(0, 1) * 255).round().byte()


def _refuse_unfit(encoder: Encoder, fit: Fit, true: Tensor) -> None:
    size = true.flatten(1).square().sum(1)
    if not bool((size.isfinite() & (size > 0)).all()):
        raise UserError(
            f"The layer {fit.layer!r} of {encoder.card.architecture} makes features of an image that are all zero or not finite: there is nothing to find "
            "it again from. Name another layer with --reconstruction.layer, or look at the weights."
        )


