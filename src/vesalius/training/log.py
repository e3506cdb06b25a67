"""What a run writes down of its steps: a row of ``metrics.jsonl`` where it is due, and where its seconds went."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor, stack

from vesalius.runs import Run
from vesalius.training.arriving import Arriving
from vesalius.training.held import Held
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


class Log:
    """Rows for ``metrics.jsonl``. Where the host looks late (``World.late``), a step's numbers are looked at when the next row is made."""

    def __init__(self, run: Run, world: World, length: Length) -> None:
        self.run, self.world, self.length = run, world, length
        self.rows: list[dict[str, Any]] = []
        self._coming: Held[Callable[[], dict[str, Any]]] = Held(world.late)
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
        terms = Arriving(self.world.total(stack([*parts.values()])))
        names, told, gradients = list(parts), {name: Arriving(value) for name, value in scalars.items()}, Arriving(norm)
        seconds, (_, waiting, images) = max(1e-9, clock - self.since[0]), self.since

        def row() -> dict[str, Any]:
            known = dict(zip(names, terms.read().tolist(), strict=True))
            return {
                "kind": "train",
                "step": at.step,
                "epoch": at.step / at.steps_per_epoch,
                "loss": sum(known.values()),
                **{f"loss/{name}": value for name, value in known.items()},
                **{name: float(value.read()) for name, value in told.items()},
                "lr": rate,
                "grad_norm": float(gradients.read()),
                "time": clock,
                "images_per_second": images / seconds,
                "wait_share": waiting / seconds,
            }

        self.since = [clock, 0.0, 0]
        loss = self._made(self._coming.put(row))
        if len(self.rows) >= 50:
            self.flush()
        return loss

    def row(self, row: dict[str, Any]) -> None:
        """Add a row."""
        self._made(self._coming.take())
        self.rows.append(row)

    def _made(self, row: Callable[[], dict[str, Any]] | None) -> float | None:
        """Add what ``row`` makes; returns its loss."""
        if row is None:
            return None
        self.rows.append(made := row())
        return float(made["loss"])

    def flush(self, until: int | None = None) -> None:
        """Write what is held; ``until``: of no step after that one."""
        self._made(self._coming.take())
        if self.world.first:
            self.run.measure([row for row in self.rows if until is None or row["step"] <= until])
        self.rows = []
