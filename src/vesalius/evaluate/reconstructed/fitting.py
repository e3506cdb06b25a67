"""The fits of one encoder's images: some at a time, each kept, so that a run that was killed goes on within the one it stopped in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from hashlib import blake2b

import torch
from jaxtyping import Float
from torch import Tensor

from vesalius import random
from vesalius.encoders.encoder import Encoder
from vesalius.evaluate.pairs.pair import Pair
from vesalius.evaluate.reconstructed import state
from vesalius.evaluate.reconstructed.inverting import Fit, Inverted, invert

_JOINED = {"images": 0, "errors": 1, "frames": 1}
"""The axis of each tensor that images stand on."""


def fitted(pair: Pair, encoder: Encoder, x: Float[Tensor, "images channels rows columns"], seeds: int, fit: Fit, at_once: int) -> Inverted:
    """All of ``x`` (``pair.split("images")``) with each of ``seeds`` seeds, the images of the first seed first; ``at_once`` of them together,
    the others in turn. On the CPU.
    """
    ids = pair.split("images").ids
    wanted = [(row, seed) for seed in range(seeds) for row in range(len(x))]
    groups = [wanted[start : start + at_once] for start in range(0, len(wanted), at_once)]
    whole, earlier, found = len(groups) * fit.iterations, 0, []
    with pair.asked.terminal.bar(f"{pair.encoder.name} on {pair.dataset}", "iterations") as progress:
        for number, group in enumerate(groups):
            begun: list[int] = []

            def told(done: int, _: int, note: str = "", earlier: int = 0, before: int = number * fit.iterations, gone: int = earlier) -> None:
                progress(before + done, whole, note=note, earlier=gone + earlier)

            seen = torch.tensor([row for row, _ in group], device=x.device)
            drawn = [random.digest64("reconstruction", pair.asked.seed, seed, int(ids[row])) for row, seed in group]
            found.append(_kept(pair, encoder, x[seen], drawn, fit, told, begun))
            earlier += begun[0] if begun else fit.iterations
            progress((number + 1) * fit.iterations, whole, earlier=earlier)
    joined = {name: torch.cat([one[name] for one in found], axis) for name, axis in _JOINED.items()}
    return Inverted(**joined, seconds=sum(float(one["seconds"]) for one in found))


def _kept(
    pair: Pair, encoder: Encoder, x: Tensor, seeds: Sequence[int], fit: Fit, progress: Callable[..., None], begun: list[int]
) -> Mapping[str, Tensor]:
    """One fit as it is kept, else made; ``begun`` takes the iterations that were done before, where any is left to do."""
    about = repr((pair.encoder.key, encoder.card.size, pair.asked.precision, fit, list(seeds)))
    key = blake2b(about.encode() + x.cpu().numpy().tobytes(), digest_size=16).hexdigest()
    name = f"reconstruction/{pair.encoder.name}/{pair.dataset}/fits/{key}"
    kept = state.Kept(pair.asked.cells.folder / f"{name}.state", key)

    def make() -> Mapping[str, Tensor]:
        begun.append(state.done(kept))
        return invert(encoder, x, seeds, fit, kept=kept, progress=progress).tensors()

    found = pair.asked.cells.parts(name, key, make)
    state.forgotten(kept)
    return found
