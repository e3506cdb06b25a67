"""How long a run is, and where in it a step stands."""

from __future__ import annotations

from dataclasses import dataclass

from vesalius.training.method import Progress


@dataclass(frozen=True)
class Length:
    """How long a run is and when it stops to look."""

    steps: int
    steps_per_epoch: int
    checkpoint_every: int
    log_every: int

    def at(self, step: int) -> Progress:
        """Progress before ``step``."""
        epochs = self.steps / self.steps_per_epoch
        return Progress(step, self.steps, step // self.steps_per_epoch, epochs, self.steps_per_epoch)
