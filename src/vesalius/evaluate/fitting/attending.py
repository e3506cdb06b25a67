"""Attentive probes: learned queries that look where the answer is, many of them trained at once on the same batches.

Of tokens x_t, layer-normalised without parameters, query q_h sees z_h = sum_t softmax_t(x_t . q_h / sqrt(D)) x_t, and a linear head reads
all z_h. The probes of all learning rates and seeds share each batch, read and normalised once, and two matrix products serve them all.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from vesalius import random
from vesalius.features.mapped import Mapped
from vesalius.measures.metrics import Kind

Maps = Mapped | Tensor
"""(n, dim, *spatial) feature maps, which may lie on disk."""
_AT_ONCE = 256


@dataclass(frozen=True)
class Training:
    """AdamW on a cosine to 0, once for each of ``rates`` and of ``seeds``, on ``batch`` samples for ``epochs``, or longer until ``least`` steps."""

    rates: Sequence[float]
    seeds: Sequence[int]
    queries: int = 4
    epochs: int = 15
    least: int = 200
    batch: int = 128
    weight_decay: float = 0.05

    def steps(self, count: int) -> int:
        """Of a training on so many samples."""
        return max(self.least, self.epochs * math.ceil(count / self.batch))


class Probes:
    """``len(rates) * len(seeds)`` probes; those of one rate are one parameter, so that a library's optimizer steps them all."""

    def __init__(self, training: Training, dim: int, outputs: int, device: torch.device) -> None:
        self.training, self.device = training, device
        start = [_start(seed, training.queries, dim, outputs) for seed in training.seeds]
        self.queries = [torch.stack([one[0] for one in start]).to(device).requires_grad_() for _ in training.rates]
        self.heads = [torch.stack([one[1] for one in start]).to(device).requires_grad_() for _ in training.rates]
        self.biases = [torch.zeros(len(training.seeds), 1, outputs, device=device, requires_grad=True) for _ in training.rates]

    def logits(self, tokens: Float[Tensor, "samples tokens dim"]) -> Float[Tensor, "probes samples outputs"]:
        """Of every probe: those of the first rate, then of the second, each in the order of the seeds."""
        queries = torch.cat(self.queries)
        probes, heads, dim = queries.shape
        look = (tokens @ queries.flatten(0, 1).T / math.sqrt(dim)).softmax(1)
        seen = (look.transpose(1, 2) @ tokens).view(len(tokens), probes, heads * dim)
        return torch.baddbmm(torch.cat(self.biases), seen.transpose(0, 1), torch.cat(self.heads))

    def fit(self, maps: Maps, labels: Float[Tensor, "samples ..."], kind: Kind, seed: int, progress: Callable[[int, int], None] | None = None) -> None:
        """Train on ``maps`` and their ``labels``; ``seed``: of the order in which they are seen."""
        training, steps = self.training, self.training.steps(len(labels))
        groups = [
            {"params": [q, h, b], "lr": rate, "rate": rate} for rate, q, h, b in zip(training.rates, self.queries, self.heads, self.biases, strict=True)
        ]
        optimizer = torch.optim.AdamW(groups, weight_decay=training.weight_decay, fused=True)
        order = _orders(seed, len(labels), training.batch)
        for step in range(steps):
            for group in optimizer.param_groups:
                group["lr"] = group["rate"] * 0.5 * (1 + math.cos(math.pi * step / steps))
            rows = next(order)
            loss = _loss(self.logits(self.tokens(maps, rows)), labels[torch.from_numpy(rows)].to(self.device), kind)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            if progress is not None:
                progress(step + 1, steps)

    @torch.no_grad()
    def answers(self, maps: Maps, kind: Kind) -> Float[Tensor, "rates seeds samples outputs"]:
        """Probabilities, on the CPU."""
        parts = []
        for start in range(0, len(maps), _AT_ONCE):
            logits = self.logits(self.tokens(maps, np.arange(start, min(start + _AT_ONCE, len(maps)))))
            parts.append((logits.sigmoid() if kind == "multilabel" else logits.softmax(-1)).cpu())
        found = torch.cat(parts, 1)
        return found.view(len(self.training.rates), len(self.training.seeds), *found.shape[1:])

    def tokens(self, maps: Maps, rows: NDArray[np.int64]) -> Float[Tensor, "samples tokens dim"]:
        """The tokens of ``rows`` on the device, layer-normalised."""
        some = maps[torch.from_numpy(rows)].to(self.device).float().flatten(2).transpose(1, 2)
        return F.layer_norm(some, some.shape[-1:])


def _start(seed: int, queries: int, dim: int, outputs: int) -> tuple[Tensor, Tensor]:
    draw = random.generator("attentive probe", seed)
    return (
        torch.from_numpy(draw.standard_normal((queries, dim), np.float32) * 0.5),
        torch.from_numpy(draw.standard_normal((queries * dim, outputs), np.float32) * 0.01),
    )


def _orders(seed: int, count: int, batch: int) -> Iterator[NDArray[np.int64]]:
    """Batches of rows without end, each epoch in another order."""
    epoch = 0
    while True:
        order = random.permutation(seed, epoch, count)
        yield from (order[start : start + batch] for start in range(0, count, batch))
        epoch += 1


def _loss(logits: Tensor, labels: Tensor, kind: Kind) -> Tensor:
    """The sum over probes of the mean over what is known: no probe's gradient knows of another."""
    if kind == "multilabel":
        known = ~labels.isnan()
        each = F.binary_cross_entropy_with_logits(logits, labels.nan_to_num().expand_as(logits), reduction="none")
        return (each * known).sum() / known.sum().clamp(min=1)
    target = labels.long().expand(len(logits), -1)
    return F.cross_entropy(logits.flatten(0, 1), target.flatten(), reduction="sum") / len(labels)
