"""Monitors at work: one shared pass over a monitoring set per event, in evaluation mode, read by all its monitors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vesalius.encoders.encoder import Encoder
from vesalius.files import atomic_write
from vesalius.training.gather import gather
from vesalius.training.method import Method, Progress
from vesalius.training.monitor import FeaturesLike, Interval, Monitor, criteria
from vesalius.training.world import World


@dataclass(frozen=True)
class Watched:
    """A monitoring set. ``forward(encoder, rows)`` gives (n, D) features of its records, touching nothing of the encoder.

    ``rows``: record numbers by split; ``labels``: split -> label column -> (n,) in the order of ``rows``. ``views`` gives,
    for the split of that name, features of views of each record, (n, q, D) or (n, D), before the step that is its third argument.
    ``painted`` gives, for that split, (n, K) numbers on what a method paints of records.
    """

    forward: Callable[[Encoder, NDArray[np.int64]], Tensor]
    rows: Mapping[str, NDArray[np.int64]]
    labels: Mapping[str, Mapping[str, Tensor]]
    views: Callable[[Encoder, NDArray[np.int64], int], Tensor] | None = None
    painted: Callable[[Method, NDArray[np.int64]], Tensor] | None = None


@dataclass(frozen=True)
class Seen:
    """Features of one split as monitors read them."""

    vectors: Tensor
    labels: Mapping[str, Tensor]


@dataclass
class Watch:
    """Monitors, each with its set and interval. ``due`` and ``look`` are what the loop calls."""

    world: World
    entries: Sequence[tuple[Monitor, Watched, Interval]] = field(default_factory=tuple)
    figures: Path | None = None
    """Where the first rank writes the monitors' pictures, as ``<monitor>-<name>.png``; nowhere while None."""

    def due(self, at: Progress) -> bool:
        """Whether any monitor wants to look before step ``at.step``."""
        return any(interval.due(at) for _, _, interval in self.entries)

    def look(self, method: Method, at: Progress) -> tuple[dict[str, float], list[str], list[str], bool]:
        """Scalars as ``monitor/<name>/<scalar>``, names of best checkpoints, warnings, whether to stop."""
        shared: dict[tuple[int, str], FeaturesLike] = {}
        scalars: dict[str, float] = {}
        best: list[str] = []
        warnings: list[str] = []
        ends = False
        for monitor, watched, interval in self.entries:
            if not interval.due(at):
                continue
            finding = monitor(self._features(method, watched, shared, at), method, at)
            scalars |= {f"monitor/{monitor.name}/{key}": value for key, value in finding.scalars.items()}
            if at.step > 0:
                best += [name for name, key in criteria(monitor).items() if finding.best.get(key)]
            warnings += [finding.warning] if finding.warning else []
            ends = ends or finding.stop
            for name, picture in finding.pictures.items() if self.world.first and self.figures is not None else ():
                assert self.figures is not None
                atomic_write(self.figures / f"{monitor.name}-{name}.png", picture)
        return scalars, best, warnings, ends

    def _features(
        self, method: Method, watched: Watched, shared: dict[tuple[int, str], FeaturesLike], at: Progress
    ) -> Callable[[str], FeaturesLike]:
        encoder = next(iter(method.exports().values()))

        def features(split: str) -> FeaturesLike:
            look = {"views": watched.views, "painted": watched.painted}.get(split) or watched.forward
            # What is seen without views is seen once for all monitors of a set, whatever views they also ask for.
            key = (id(look), split)
            if key not in shared:
                mine = np.array_split(watched.rows[split], self.world.size)[self.world.rank]
                with torch.no_grad():
                    if split == "painted" and watched.painted is not None:
                        vectors = watched.painted(method, mine)
                    elif split == "views" and watched.views is not None:
                        vectors = watched.views(encoder, mine, at.step)
                    else:
                        vectors = watched.forward(encoder, mine)
                shared[key] = Seen(gather(vectors), watched.labels.get(split, {}))
            return shared[key]

        return features

    def state(self) -> dict[str, Tensor]:
        """Every monitor's state, keyed ``name/key``."""
        return {f"{m.name}/{key}": value for m, _, _ in self.entries for key, value in m.state_dict().items()}

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Give every monitor its state back."""
        for monitor, _, _ in self.entries:
            start = f"{monitor.name}/"
            monitor.load_state_dict({k.removeprefix(start): v for k, v in state.items() if k.startswith(start)})
