"""Numbers of a robustness examination: a metric against strength, its area, and what differs between models, all paired.

Every number of every model is measured on the same drawn subjects, so that changes and differences are paired.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vesalius.evaluate.perturbed.perturbations import Perturbation
from vesalius.evaluate.perturbed.tuned import Tuned
from vesalius.measures import bootstrap

_REPLICATES = 1000
OVERALL = "all"
"""The mean over perturbations."""


@dataclass(frozen=True)
class Number:
    """A value and its replicates (R,)."""

    value: float
    drawn: Tensor

    def __sub__(self, other: Number) -> Number:
        return Number(self.value - other.value, self.drawn - other.drawn)

    def __truediv__(self, other: Number) -> Number:
        share = self.value / other.value if other.value else float("nan")
        return Number(share, torch.where(other.drawn != 0, self.drawn / other.drawn, torch.nan))

    def row(self, name: str = "") -> dict[str, Any]:
        """``value``, ``low``, ``high``, or ``NAME``, ``NAME_low``, ...; None where undefined, as JSON has no NaN."""
        low, high = bootstrap.interval(self.drawn)
        keys = (name, f"{name}_low", f"{name}_high") if name else ("value", "low", "high")
        return {key: number if number == number else None for key, number in zip(keys, (self.value, low, high), strict=True)}


Curves = Mapping[tuple[str, str], Sequence[Number]]
"""Letter of a model and name of a perturbation to its metric at strength 0 and at each strength."""


def measure(models: Sequence[Tuned], answers: Mapping[str, Mapping[str, Tensor]], chosen: Sequence[Perturbation], seed: int) -> Curves:
    """``answers``: letter -> ``clean`` (N, ...) and each perturbation's name (levels, N, ...)."""
    statistics: dict[str, bootstrap.Statistic] = {}
    for model in models:
        of = answers[model.letter]
        statistics[f"{model.letter} clean"] = model.statistic(of["clean"])
        for one in chosen:
            for level, there in enumerate(of[one.name]):
                statistics[f"{model.letter} {one.name} {level}"] = model.statistic(there)
    first = models[0]
    subject = bootstrap.groups(first.subjects, len(first.cases))
    drawn = bootstrap.replicate(statistics, subject, replicates=_REPLICATES, seed=seed)
    once = torch.ones(len(first.cases), 1)
    numbers = {name: Number(float(statistic(once)[0]), drawn[name]) for name, statistic in statistics.items()}
    return {
        (model.letter, one.name): [
            numbers[f"{model.letter} clean"],
            *(numbers[f"{model.letter} {one.name} {level}"] for level in range(len(one.strengths))),
        ]
        for model in models
        for one in chosen
    }


def area(curve: Sequence[Number]) -> Number:
    """The mean height of a curve over its levels (trapezoids, levels at equal steps): the area below it, of width 1."""
    share = np.full(len(curve), 1.0)
    share[[0, -1]] = 0.5
    share /= share.sum()
    value = float(sum(w * number.value for w, number in zip(share, curve, strict=True)))
    return Number(value, torch.stack([number.drawn * w for w, number in zip(share.tolist(), curve, strict=True)]).sum(0))


def mean(numbers: Sequence[Number]) -> Number:
    """Of several numbers of the same replicates."""
    return Number(float(np.mean([n.value for n in numbers])), torch.stack([n.drawn for n in numbers]).mean(0))


def tables(models: Sequence[Tuned], curves: Curves, chosen: Sequence[Perturbation]) -> dict[str, list[dict[str, Any]]]:
    """``curves``, ``areas``, and of several models ``differences`` and ``area_differences`` from the first, as rows.

    ``value``: the metric; ``change``: it minus the metric at strength 0; ``kept``, of areas: its share of that. Of a difference all
    are A's minus the other's.
    """
    found: dict[str, list[dict[str, Any]]] = {"curves": [], "areas": [], "differences": [], "area_differences": []}
    first = models[0].letter
    for model in models:
        own, theirs = model.letter, first
        for one in chosen:
            curve, other = curves[own, one.name], curves[theirs, one.name]
            for level, strength in enumerate((0.0, *one.strengths)):
                about = {"perturbation": one.name, "level": level, "strength": strength}
                at, gone = curve[level], curve[level] - curve[0]
                found["curves"].append({"run": own, **about, **at.row(), **gone.row("change")})
                if own != first:
                    apart, apart_gone = other[level] - at, (other[level] - other[0]) - gone
                    found["differences"].append({"a": theirs, "b": own, **about, **apart.row(), **apart_gone.row("change")})
        for name, at, gone, kept in _areas(curves, own, chosen):
            found["areas"].append({"run": own, "perturbation": name, **at.row(), **gone.row("change"), **kept.row("kept")})
        if own != first:
            for mine, its in zip(_areas(curves, first, chosen), _areas(curves, own, chosen), strict=True):
                at, gone, kept = (a - b for a, b in zip(mine[1:], its[1:], strict=True))
                row = {"a": first, "b": own, "perturbation": mine[0], **at.row(), **gone.row("change"), **kept.row("kept")}
                found["area_differences"].append(row)
    return found


def _areas(curves: Curves, letter: str, chosen: Sequence[Perturbation]) -> list[tuple[str, Number, Number, Number]]:
    """Name, area, its difference from strength 0 and its share of that, of each perturbation and of all of them."""
    each = [(one.name, area(curves[letter, one.name])) for one in chosen]
    clean = curves[letter, chosen[0].name][0]
    each.append((OVERALL, mean([at for _, at in each])))
    return [(name, at, at - clean, at / clean) for name, at in each]
