"""What a run writes down of its steps: a row of ``metrics.jsonl`` where it is due, and where its seconds went."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor, stack

from vesalius.runs import Run
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
    """Rows for ``metrics.jsonl``, kept on the device until they are due so that no step waits for the host."""

    def __init__(self, run: Run, world: World, length: Length) -> None:
        self.run, self.world, self.length = run, world, length
        self.rows: list[dict[str, Any]] = []
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
        """Note a step, with its gradients' ``norm`` (); returns its loss where this step is logged."""
        self.since[1] += waited
        self.since[2] += samples
        if at.step % self.length.log_every and at.step != self.length.steps:
            return None
        values = stack([*parts.values()]) if self.world.size == 1 else self.world.total(stack([*parts.values()]))
        terms = dict(zip(parts, values.tolist(), strict=True))
        seconds = max(1e-9, clock - self.since[0])
        self.row(
            {
                "kind": "train",
                "step": at.step,
                "epoch": at.step / at.steps_per_epoch,
                "loss": sum(terms.values()),
                **{f"loss/{k}": v for k, v in terms.items()},
                **{k: float(v) for k, v in scalars.items()},
                "lr": rate,
                "grad_norm": float(norm),
                "time": clock,
                "images_per_second": self.since[2] / seconds,
                "wait_share": self.since[1] / seconds,
            }
        )
        self.since = [clock, 0.0, 0]
        if len(self.rows) >= 50:
            self.flush()
        loss: float = sum(terms.values())
        return loss

    def row(self, row: dict[str, Any]) -> None:
        """Add a row."""
        self.rows.append(row)

    def flush(self) -> None:
        """Write what is held."""
        if self.world.first:
            self.run.measure(self.rows)
        self.rows = []
