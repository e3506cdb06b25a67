"""How well hidden parts are painted, without labels: L1 on fixed damage of validation samples, beside two baselines."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from jaxtyping import Float
from pydantic import Field, NonNegativeInt
from torch import Tensor

from vesalius.data.task import TaskSpec
from vesalius.errors import UserError
from vesalius.training.method import Method, Progress, Reconstruction
from vesalius.training.monitor import FeaturesLike, Finding, Interval, Record, SeesPaintings
from vesalius.views.batch import Batch
from vesalius.views.planes import sheet

NEEDS_LABELS = False
_OF = ("made", "identity", "mean")


class Config(SeesPaintings):
    """L1 of validation samples, whose damage is the same at each event, and pictures of the first of them."""

    interval: Interval = Field(Interval(epochs=1), description="How often it looks.")
    pictures: NonNegativeInt = Field(3, description="Samples shown: original, views, reconstruction; volumes in three planes.")


def measured(found: Reconstruction) -> Float[Tensor, "batch numbers"]:
    """Share of hidden voxels; then L1 over hidden and over kept voxels of what was made, of what was seen, of the mean.

    An L1 over no voxel is 0, and its share says so.
    """
    share = found.changed.float().flatten(1).mean(1)
    columns = [share]
    for answer in (found.made, found.seen[0], found.mean):
        error = (answer - found.target).abs().mean(1, keepdim=True)
        hidden = (error * found.changed).flatten(1).mean(1)
        kept = (error * ~found.changed).flatten(1).mean(1)
        columns += [hidden / share.clamp_min(1e-12), kept / (1 - share).clamp_min(1e-12)]
    return torch.stack(columns, 1)


class ReconstructionMonitor:
    """The monitor; its only state is its best value."""

    metric = "l1"
    higher_is_better = False

    def __init__(self, config: Config, name: str) -> None:
        self.config, self.name = config, name
        self.record = Record(self.higher_is_better)
        self._shown: list[list[Tensor]] = []

    def numbers(self, method: Method) -> int:
        """How many ``measure`` gives."""
        return 1 + 2 * len(_OF)

    def measure(self, method: Method, batch: Batch) -> Tensor:
        """(B, 7) numbers on what ``method`` paints of ``batch``; the first samples are kept for the picture.

        Raises UserError for a method that paints nothing.
        """
        found = method.reconstruct(batch)
        if found is None:
            raise UserError(
                f"The monitor {self.name!r} looks at what a method paints, and this one paints nothing. Drop the monitor, or use the "
                "methods restoration or mae."
            )
        for i in range(min(len(found.made), self.config.pictures - len(self._shown))):
            row = (found.target[i], *(view[i] for view in found.seen), found.made[i])
            self._shown.append([image.mean(0).cpu() for image in row])
        return measured(found)

    def __call__(self, features: Callable[[str], FeaturesLike], method: Method, at: Progress) -> Finding:
        """Means over all voxels, hidden voxels and kept voxels; ``identity``: the damaged view itself is the answer."""
        numbers = features("painted").vectors.double()
        share = numbers[:, 0]
        scalars = {"hidden_share": float(share.mean())}
        for i, name in enumerate(_OF):
            hidden, kept = (share * numbers[:, 1 + 2 * i]).sum(), ((1 - share) * numbers[:, 2 + 2 * i]).sum()
            stem = "" if name == "made" else f"{name}_"
            scalars[f"{stem}l1"] = float((hidden + kept) / len(share))
            scalars[f"{stem}hidden_l1"] = float(hidden / share.sum())
            scalars[f"{stem}kept_l1"] = float(kept / (1 - share).sum())
        pictures = {"planes": sheet(self._shown, _titles(len(self._shown[0]) - 2))} if self._shown else {}
        self._shown = []
        return Finding(scalars, {self.metric: self.record.improves(scalars["l1"], at)}, pictures=pictures)

    def state_dict(self) -> dict[str, Tensor]:
        """Its best value."""
        return {"best": torch.tensor(self.record.best, dtype=torch.float64)}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take ``state_dict``'s tensors back."""
        self.record.best = float(state["best"])


def _titles(views: int) -> list[str]:
    return ["original", *(["what was seen"] if views == 1 else [f"view {i + 1}" for i in range(views)]), "reconstruction"]


def build(config: Config, name: str, task: TaskSpec | None, seed: int) -> ReconstructionMonitor:
    """The monitor ``name``; it needs no ``task``."""
    return ReconstructionMonitor(config, name)
