"""What single tokens know of tissue: a linear probe of each place of the map against the label most of its voxels bear."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from jaxtyping import Float
from pydantic import Field, PositiveFloat, PositiveInt
from torch import Tensor

from vesalius.data.task import TaskSpec
from vesalius.encoders.encoder import Encoder
from vesalius.encoders.probing import dummy_forward
from vesalius.errors import UserError
from vesalius.training.method import Method, Progress
from vesalius.training.monitor import FeaturesLike, Finding, Interval, Record, SeesPaintings
from vesalius.views.batch import Batch

NEEDS_LABELS = False
_BESIDE = 3
"""Numbers kept of a place beside its features: mean and deviation of its voxels, its label."""


class Config(SeesPaintings):
    """A ridge classifier of places, fitted on the first half of the samples and scored on the others."""

    labelled: ClassVar[bool] = True

    interval: Interval = Field(Interval(epochs=1), description="How often it looks.")
    at_most: PositiveInt = Field(64, ge=4, description="Validation samples looked at, the same at each event.")
    ridge: PositiveFloat = Field(0.01, description="The classifier's penalty as a share of the variance of a feature.")


def places(encoder: Encoder, x: Tensor, labels: Tensor) -> Float[Tensor, "batch places numbers"]:
    """Features of each place of the encoder's map of ``x`` (B, C, *size), mean and deviation of its voxels, and its label.

    ``labels`` (B, *size): of each voxel; that of a place is the one most of its voxels bear, the smaller of two.
    """
    features = encoder(x).map
    grid = tuple(features.shape[2:])
    pool: Any = F.adaptive_avg_pool2d if len(grid) == 2 else F.adaptive_avg_pool3d
    mean, square = (pool(v.mean(1, keepdim=True), grid) for v in (x.float(), x.float().square()))
    deviation = (square - mean.square()).clamp_min(0).sqrt()
    kinds = torch.arange(int(labels.max()) + 1, device=x.device)
    shares = torch.cat([pool((labels == kind).float()[:, None], grid) for kind in kinds], 1)
    whole = torch.cat([features.float(), mean, deviation, shares.argmax(1, keepdim=True).float()], 1)
    return whole.flatten(2).mT


def probed(train: Tensor, given: Tensor, test: Tensor, ridge: float) -> Tensor:
    """The labels that a ridge classifier of ``train`` (N, D), labelled ``given`` (N,), gives to ``test`` (M, D)."""
    mean, deviation = train.mean(0), train.std(0, correction=0).clamp_min(1e-6)
    known = torch.unique(given)
    x, z = ((v - mean) / deviation for v in (train, test))
    x, z = (torch.cat([v, torch.ones_like(v[:, :1])], 1) for v in (x, z))
    wanted = (given[:, None] == known).to(x.dtype)
    weights = wanted.sum(0).reciprocal()[torch.searchsorted(known, given.contiguous())]  # each label counts alike
    left = (x * weights[:, None]).T @ x / len(known) + ridge * torch.eye(x.shape[1], dtype=x.dtype, device=x.device)
    scores: Tensor = z @ torch.linalg.solve(left, (x * weights[:, None]).T @ wanted)
    answer: Tensor = known[scores.argmax(1)]
    return answer


def balanced(answer: Tensor, truth: Tensor) -> float:
    """Mean recall of the labels that occur in ``truth`` (n,), by ``answer`` (n,)."""
    return float(torch.stack([(answer[truth == kind] == kind).double().mean() for kind in torch.unique(truth)]).mean())


class Tissue:
    """The monitor; its only state is its best value."""

    metric = "balanced_accuracy"
    higher_is_better = True

    def __init__(self, config: Config, name: str) -> None:
        self.config, self.name = config, name
        self.record = Record(self.higher_is_better)

    def numbers(self, method: Method) -> int:
        """How many ``measure`` gives."""
        encoder = next(iter(method.exports().values()))
        shape = dummy_forward(encoder, encoder.card.channels, encoder.card.size).map.shape
        return int(shape[2:].numel() * (shape[1] + _BESIDE))

    def measure(self, method: Method, batch: Batch) -> Tensor:
        """``places`` of each sample, flattened (B, d); of the untouched view, where there is one. Raises UserError without label volumes."""
        group = "clean" if "clean" in batch.views else next(iter(batch.views))
        if group not in batch.masks:
            raise UserError(
                f"The monitor {self.name!r} needs label volumes beside the scans, and these have none. Name data with label volumes as "
                "data.monitor, or drop the monitor."
            )
        encoder = next(iter(method.exports().values()))
        return places(encoder, batch.views[group][0], batch.masks[group][0]).flatten(1)

    def __call__(self, features: Callable[[str], FeaturesLike], method: Method, at: Progress) -> Finding:
        """Balanced accuracy on places of unseen samples; ``intensity_``: by mean and deviation of their voxels alone."""
        rows = features("painted").vectors.double()
        beside = next(iter(method.exports().values())).card.dim + _BESIDE
        middle = -(-len(rows) // 2)
        train, test = (half.reshape(-1, beside) for half in (rows[:middle], rows[middle:]))
        scalars = {}
        for name, chosen in ((self.metric, slice(0, -_BESIDE)), (f"intensity_{self.metric}", slice(-_BESIDE, -1))):
            answer = probed(train[:, chosen], train[:, -1], test[:, chosen], self.config.ridge)
            scalars[name] = balanced(answer, test[:, -1])
        return Finding(scalars, {self.metric: self.record.improves(scalars[self.metric], at)})

    def state_dict(self) -> dict[str, Tensor]:
        """Its best value."""
        return {"best": torch.tensor(self.record.best, dtype=torch.float64)}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take ``state_dict``'s tensors back."""
        self.record.best = float(state["best"])


def build(config: Config, name: str, task: TaskSpec | None, seed: int) -> Tissue:
    """The monitor ``name``; it needs label volumes and no ``task``."""
    return Tissue(config, name)
