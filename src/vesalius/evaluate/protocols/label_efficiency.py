"""``vesalius evaluate label-efficiency``: how good a linear probe is with few labels, by shares of them and by images of each class.

A share is that share of the training and of the validation labels: the one is fitted, the other chooses the strength, and the probe is
fitted again to both. ``k`` shots are one image of each of k subjects of every class (of every label, of several) of the training split,
which are fitted, and as many of the validation split, which choose. Each subset lies inside every larger one of the same draw, and a
draw is the same for all encoders.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, PositiveInt
from torch import Tensor

from vesalius.errors import UserError
from vesalius.evaluate.asked import Asked, Examined, Taken
from vesalius.evaluate.fitting.folds import Fold
from vesalius.evaluate.fitting.fractions import nested, shots
from vesalius.evaluate.fitting.probing import Rule, choose, finite, fitted
from vesalius.evaluate.pairs.comparing import compared
from vesalius.evaluate.pairs.measured import Measured, Value
from vesalius.evaluate.pairs.pair import Pair, Split
from vesalius.measures import bootstrap, logistic, metrics

TAKES: tuple[Taken, ...] = ("pairs",)
RULE = (
    "Linear probes on nested, stratified subsets of whole subjects of the training labels, their strength chosen on the same share of the validation "
    "labels and scored on the whole test split; each point is the mean over the draws. The area under the curve over the logarithm of the share, "
    "divided by its width, is the one number: it lies between the worst and the best point."
)
AXIS = {"x": "share of the labels", "log": True}
BY_SHOTS = {"x": "images of each class", "log": True}
STRENGTHS = 23
"""Half decades from 1e-6 to 1e5: few labels cannot tell finer ones apart."""


class Config(BaseModel):
    """What can be chosen."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    shares: tuple[float, ...] = Field((0.01, 0.1, 1.0), min_length=1, description="Shares of the labels, above 0 and at most 1.")
    shots: tuple[PositiveInt, ...] = Field((1, 5, 10, 20, 50, 100), description="Images of each class; [] leaves them out.")
    draws: int = Field(5, ge=2, description="Subsets drawn of each share below 1 and of each number of shots.")


def examine(config: Config, asked: Asked) -> Examined:
    """Every encoder on every data set. Raises UserError for a share that is not above 0 and at most 1."""
    if not all(0 < share <= 1 for share in config.shares):
        said = ", ".join(f"{share:g}" for share in config.shares)
        raise UserError(f"Shares of the labels lie above 0 and at 1 or below, and {said} were given. Say --label-efficiency.shares 0.01,0.1,1.")
    found = compared("label-efficiency", config, asked, measure, rule=RULE)
    return dataclasses.replace(found, results={**found.results, "axis": AXIS})


def measure(config: Config, pair: Pair) -> Measured:
    """The curve by shares and the curve by shots, and the area under the first."""
    exam = _Exam(pair)
    shares = sorted(set(config.shares))
    points = {share: exam.point([exam.by_share(share, draw) for draw in range(config.draws if share < 1 else 1)], again=True) for share in shares}
    few, notes = _possible(config.shots, pair)
    by_shots = {k: exam.point([exam.by_shots(k, draw) for draw in range(config.draws)], again=False) for k in few}
    metric = pair.task.metric
    values = {f"{metric}@{share:g}": Value(p.value, p.replicates, p.repeats, p.margin) for share, p in points.items()}
    if len(shares) > 1:
        values = {"aulc": _area(points), **values}
    curve = [_row(metric, x, p) for x, p in points.items()] + [{**_row(metric, k, p), "axis": BY_SHOTS} for k, p in by_shots.items()]
    notes = [*_scarce(shares, pair), *notes]
    facts: dict[str, Any] = {"draws": config.draws, "labels": {f"{share:g}": p.labels for share, p in points.items()}}
    return Measured(values=values, curve=curve, facts=facts | ({"note": " ".join(notes)} if notes else {}))


@dataclasses.dataclass(frozen=True, eq=False)
class _Point:
    """The measure at one share: its mean over the draws with ``replicates``, each draw's, the half-width of their t-interval."""

    value: float
    replicates: Tensor
    repeats: Tensor | None
    margin: float | None
    labels: int


class _Exam:
    """One pair's features and the test split's replicates."""

    def __init__(self, pair: Pair) -> None:
        self.pair, self.train, self.val, self.test = pair, pair.split("train"), pair.split("val"), pair.split("test")
        self.x = torch.cat([finite(pair, pair.features(name)) for name in ("train", "val")])
        self.y = torch.cat([self.train.labels, self.val.labels]).to(self.x.device)
        self.asked_about = finite(pair, pair.features("test"))
        self.rule = Rule(pair.kind, pair.classes, logistic.grid(STRENGTHS))

    def by_share(self, share: float, draw: int) -> Fold:
        """That share of training and of validation labels."""
        return self._fold([np.flatnonzero(nested(s.labels, self.pair.kind, s.groups, self.pair.asked.seed, draw) <= share) for s in (self.train, self.val)])

    def by_shots(self, k: int, draw: int) -> Fold:
        """``k`` of each class."""
        return self._fold([shots(s.labels, self.pair.kind, s.groups, k, self.pair.asked.seed, draw) for s in (self.train, self.val)])

    def point(self, subsets: Sequence[Fold], *, again: bool) -> _Point:
        """The mean over ``subsets``; ``again``: fitted again to what chose."""
        metric, kind, labels = self.pair.task.metric, self.pair.kind, self.test.labels
        answers = [self._answers(subset, again) for subset in subsets]
        alone = torch.stack([metrics.measure(metric, kind, labels, one)[0].double() for one in answers])
        parts = [
            torch.stack([metrics.measure(metric, kind, labels, one, block).double() for one in answers]).mean(0)
            for block in bootstrap.weights(self.test.groups, self.pair.asked.replicates, self.pair.asked.seed)
        ]
        size = round(float(np.mean([len(subset.fit) + len(subset.choose) * again for subset in subsets])))
        several = len(answers) > 1
        return _Point(float(alone.mean()), torch.cat(parts), alone if several else None, half_width(alone) if several else None, size)

    def _fold(self, parts: Sequence[NDArray[np.int64]]) -> Fold:
        return Fold(parts[0], len(self.train) + parts[1])

    def _answers(self, subset: Fold, again: bool) -> Tensor:
        choice = choose(self.x, self.y, [subset], self.rule)
        probe = choice.probes[0]
        if again:
            rows = torch.from_numpy(np.concatenate([subset.fit, subset.choose])).to(self.x.device)
            probe = fitted(self.x[rows], self.y[rows], choice.c, self.rule, probe)
        return probe.probabilities(self.asked_about).float().cpu()


def half_width(draws: Tensor) -> float:
    """Half the 95 % t-interval of the mean of ``draws`` (S,), at least two."""
    from scipy.stats import t

    return float(t.ppf(0.975, len(draws) - 1) * draws.std() / len(draws) ** 0.5)


def _area(points: Mapping[float, _Point]) -> Value:
    """Trapezoids over the logarithm of the share, divided by its range."""
    place = torch.tensor(list(points), dtype=torch.float64).log10()
    width = place[-1] - place[0]
    values = torch.tensor([p.value for p in points.values()], dtype=torch.float64)
    replicates = torch.trapezoid(torch.stack([p.replicates for p in points.values()], 1), place, dim=1) / width
    return Value(float(torch.trapezoid(values, place) / width), replicates)


def _row(metric: str, x: float, point: _Point) -> dict[str, Any]:
    low, high = bootstrap.interval(point.replicates)
    return {
        "metric": metric, "x": x, "value": point.value, "low": low, "high": high,
        "margin": point.margin, "draws": 1 if point.repeats is None else len(point.repeats), "labels": point.labels,
    }  # fmt: skip


def _subjects(split: Split, pair: Pair) -> list[int]:
    """In how many subjects each class (of several labels: each label) is."""
    columns = split.labels.T == 1 if pair.kind == "multilabel" else torch.stack([split.labels == c for c in range(pair.classes)])
    return [len(np.unique(split.groups[column.numpy()])) for column in columns]


def _scarce(shares: Sequence[float], pair: Pair) -> list[str]:
    """What shares hold of the rarest class, where that is less than one subject."""
    count = _subjects(pair.split("train"), pair)
    few = [(share, name, n) for share in shares for name, n in zip(pair.task.classes, count, strict=True) if 0 < share * n < 1]
    return [f"{100 * share:g} % of the {n} training subjects of {name!r} is less than one: one was taken." for share, name, n in few]


def _possible(wanted: Sequence[int], pair: Pair) -> tuple[list[int], list[str]]:
    """The numbers of shots that every class has in training, and a sentence about those that are left out."""
    count = _subjects(pair.split("train"), pair)
    least = min(n for n in count if n) if any(count) else 0
    kept, left = [k for k in sorted(set(wanted)) if k <= least], [k for k in sorted(set(wanted)) if k > least]
    if not left:
        return kept, []
    rare = pair.task.classes[count.index(least)] if least else pair.task.classes[0]
    return kept, [f"{', '.join(map(str, left))} of each class are left out: {rare!r} is in {least} training subjects."]
