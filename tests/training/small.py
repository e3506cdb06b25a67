"""A small training run in memory, for the loop's tests."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tests.methods import cases
from vesalius.data.pixels import Pixels
from vesalius.runs import Run
from vesalius.training.feed import Feed
from vesalius.training.fit import fit
from vesalius.training.length import Length
from vesalius.training.log import Spent
from vesalius.training.method import Method, Progress
from vesalius.training.optimizers import OptimizerConfig, Stepper
from vesalius.training.world import World

HERE = World(0, 1, torch.device("cpu"), None)
SAMPLES = 40


class Memory:
    """A store of random images."""

    def __init__(self, samples: int = SAMPLES) -> None:
        self.images = torch.from_numpy(np.random.default_rng(0).integers(0, 255, (samples, 1, 1, 20, 20), dtype=np.uint8))
        self.ids = np.arange(samples, dtype=np.uint64) * 7919
        self.extents = np.full((samples, 2), 20, np.int64)

    def read(self, rows: np.ndarray, windows: np.ndarray, out: Pixels | None = None) -> Pixels:
        """Whole images."""
        n = len(rows)
        return Pixels(self.images[rows[:, 0]], torch.full((n, 1, 2), 20), torch.full((n, 1), 1 / 255), torch.zeros(n, 1))


class Quiet:
    """Shows nothing; keeps what it was told."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def step(self, at: Progress, loss: float | None, images: int, waited: float) -> None:
        """Nothing."""

    def say(self, text: str) -> None:
        """Keep it."""
        self.said.append(text)


class Unwatched:
    """No monitors; a counter as state, and what to answer."""

    def __init__(self, every: int = 0, stop_at: int | None = None) -> None:
        self.every, self.stop_at, self.looks = every, stop_at, 0

    def due(self, at: Progress) -> bool:
        """Every so many steps."""
        return bool(self.every) and at.step % self.every == 0

    def look(self, method: Method, at: Progress) -> tuple[dict[str, float], list[str], list[str], bool]:
        """Count."""
        self.looks += 1
        return {"monitor/count/looks": float(self.looks)}, ["best-count"], [], at.step == self.stop_at

    def state(self) -> dict[str, Tensor]:
        """The counter."""
        return {"looks": torch.tensor(self.looks)}

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """The counter."""
        self.looks = int(state["looks"])


class Small:
    """Everything ``fit`` takes; ``run()`` runs it."""

    def __init__(self, folder: Path, name: str = "simclr", steps: int = 12, watch: Any = None, optimizer: str = "adamw", **fields: Any) -> None:
        self.method = cases.build(name).to(memory_format=torch.channels_last)
        self.views = cases.make_views(name)
        self.feed = Feed(Memory(), np.arange(SAMPLES), self.views, HERE, seed=1, batch_size=10, drop_last=False, **fields)  # type: ignore[arg-type]
        self.length = Length(steps, self.feed.steps_per_epoch, checkpoint_every=3, log_every=1)
        names = {p: n for n, p in self.method.named_parameters()}
        self.stepper = Stepper(OptimizerConfig.model_validate({"name": optimizer, "lr": 1e-3}), self.method.groups(), names, 10)
        self.watch = watch or Unwatched(every=4)
        self.display = Quiet()
        self.folder = Run.open(folder) if (folder / "run.json").exists() else Run.create("pretrain", "small", {}, folder)

    def run(self, resume: bool = False) -> Spent:
        """Train."""
        return fit(
            self.method, self.feed, self.views, self.stepper, self.watch, self.folder, HERE, self.length, self.display, resume=resume
        )
