"""Monitors at work: one shared pass over a monitoring set per event, in evaluation mode, read by all its monitors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vesalius.encoders.encoder import Encoder
from vesalius.training.gather import gather
from vesalius.training.method import Method, Progress
from vesalius.training.monitor import FeaturesLike, Interval, Monitor, criteria
from vesalius.training.world import World


@dataclass(frozen=True)
class Watched:
    """A monitoring set. ``forward(encoder, rows)`` gives (n, D) features of its records, touching nothing of the encoder.

    ``rows``: record numbers by split; ``labels``: split -> label column -> (n,) in the order of ``rows``. ``views`` gives,
    for the split of that name, features of views of each record, (n, q, D) or (n, D), before the step that is its third argument.
    """

    forward: Callable[[Encoder, NDArray[np.int64]], Tensor]
    rows: Mapping[str, NDArray[np.int64]]
    labels: Mapping[str, Mapping[str, Tensor]]
    views: Callable[[Encoder, NDArray[np.int64], int], Tensor] | None = None


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

    def due(self, at: Progress) -> bool:
        """Whether any monitor wants to look before step ``at.step``."""
        return any(interval.due(at) for _, _, interval in self.entries)

    def look(self, method: Method, at: Progress) -> tuple[dict[str, float], list[str], list[str], bool]:
        """Scalars as ``monitor/<name>/<scalar>``, names of best checkpoints, warnings, whether to stop."""
        encoder = next(iter(method.exports().values()))
        shared: dict[tuple[int, str], FeaturesLike] = {}
        scalars: dict[str, float] = {}
        best: list[str] = []
        warnings: list[str] = []
        ends = False
        for monitor, watched, interval in self.entries:
            if not interval.due(at):
                continue
            finding = monitor(self._features(encoder, watched, shared, at), method, at)
            scalars |= {f"monitor/{monitor.name}/{key}": value for key, value in finding.scalars.items()}
            if at.step > 0:
                best += [name for name, key in criteria(monitor).items() if finding.best.get(key)]
            warnings += [finding.warning] if finding.warning else []
            ends = ends or finding.stop
        return scalars, best, warnings, ends

    def _features(
        self, encoder: Encoder, watched: Watched, shared: dict[tuple[int, str], FeaturesLike], at: Progress
    ) -> Callable[[str], FeaturesLike]:
        def features(split: str) -> FeaturesLike:
            viewed = watched.views if split == "views" else None
            # What is seen without views is seen once for all monitors of a set, whatever views they also ask for.
            key = (id(watched.forward if viewed is None else viewed), split)
            if key not in shared:
                mine = np.array_split(watched.rows[split], self.world.size)[self.world.rank]
                with torch.no_grad():
                    vectors = gather(watched.forward(encoder, mine) if viewed is None else viewed(encoder, mine, at.step))
                shared[key] = Seen(vectors, watched.labels.get(split, {}))
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
