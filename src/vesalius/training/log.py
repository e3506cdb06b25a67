"""What a run writes down of its steps: a row of ``metrics.jsonl`` where it is due, and where its seconds went."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor, stack

from vesalius.runs import Run
from vesalius.training.arriving import Arriving
from vesalius.training.length import Length
from vesalius.training.method import Progress
from vesalius.training.world import World


@dataclass
class Spent:
    """Where the seconds of this process went."""

    waiting: float = 0.0
    views: float = 0.0
    monitoring: float = 0.0
    saving: float = 0.0
    total: float = 0.0
    images: int = 0

    def earlier(self, record: Mapping[str, Any]) -> None:
        """Add what was spent before the run was interrupted."""
        for name, value in record.items():
            setattr(self, name, getattr(self, name) + value)

    @property
    def stepping(self) -> float:
        """Seconds in steps: all but monitoring and saving."""
        return max(1e-9, self.total - self.monitoring - self.saving)


@dataclass(frozen=True)
class _Coming:
    """A step's row whose numbers are on their way: ``terms`` (T,) of the loss, called ``names``, the method's ``scalars``, the gradients' ``norm``."""

    before: dict[str, Any]
    names: list[str]
    terms: Arriving
    scalars: dict[str, Arriving]
    norm: Arriving
    after: dict[str, Any]

    def row(self) -> dict[str, Any]:
        """The whole row."""
        terms = dict(zip(self.names, self.terms.read().tolist(), strict=True))
        return {
            **self.before,
            "loss": sum(terms.values()),
            **{f"loss/{k}": v for k, v in terms.items()},
            **{k: float(v.read()) for k, v in self.scalars.items()},
            "grad_norm": float(self.norm.read()),
            **self.after,
        }


class Log:
    """Rows for ``metrics.jsonl``. Where the host looks late (``World.late``), a step's numbers are looked at when the next row is made."""

    def __init__(self, run: Run, world: World, length: Length) -> None:
        self.run, self.world, self.length = run, world, length
        self.rows: list[dict[str, Any]] = []
        self._coming: _Coming | None = None
        self.since = [0.0, 0.0, 0]  # seconds at the last row, waited, images

    def step(
        self,
        at: Progress,
        parts: Mapping[str, Tensor],
        scalars: Mapping[str, Tensor],
        rate: float,
        norm: Tensor,
        samples: int,
        waited: float,
        clock: float,
    ) -> float | None:
        """Note a step, with its gradients' ``norm`` (); where this step is logged returns its loss, or that of the row before where the host looks late."""
        self.since[1] += waited
        self.since[2] += samples
        if at.step % self.length.log_every and at.step != self.length.steps:
            return None
        earlier = self._settle()
        terms = stack([*parts.values()])
        seconds = max(1e-9, clock - self.since[0])
        self._coming = _Coming(
            {"kind": "train", "step": at.step, "epoch": at.step / at.steps_per_epoch},
            list(parts),
            Arriving(terms if self.world.size == 1 else self.world.total(terms)),
            {name: Arriving(value) for name, value in scalars.items()},
            Arriving(norm),
            {"lr": rate, "time": clock, "images_per_second": self.since[2] / seconds, "wait_share": self.since[1] / seconds},
        )
        self.since = [clock, 0.0, 0]
        loss = earlier if self.world.late else self._settle()
        if len(self.rows) >= 50:
            self.flush()
        return loss

    def row(self, row: dict[str, Any]) -> None:
        """Add a row."""
        self._settle()
        self.rows.append(row)

    def _settle(self) -> float | None:
        """Make the row that is coming; returns its loss, None where none is."""
        coming, self._coming = self._coming, None
        if coming is None:
            return None
        self.rows.append(row := coming.row())
        return float(row["loss"])

    def flush(self, until: int | None = None) -> None:
        """Write what is held; ``until``: of no step after that one."""
        self._settle()
        if self.world.first:
            self.run.measure([row for row in self.rows if until is None or row["step"] <= until])
        self.rows = []
