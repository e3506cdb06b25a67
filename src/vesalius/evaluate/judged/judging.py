"""One cell judged: every measure of its answers, with replicates over the test split's subjects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from vesalius.evaluate.judged import resampling, subgroups, tempering
from vesalius.evaluate.judged.resampling import Resampling
from vesalius.evaluate.judged.tempering import Fitted
from vesalius.evaluate.pairs.measured import Measured, Value
from vesalius.evaluate.pairs.pair import Pair
from vesalius.measures import belief, bootstrap, calibration
from vesalius.measures.every import NAMES, SENSITIVITY, Sheet

BELIEF = ("ece", "ace", "brier", "nll")
CALIBRATED = "_calibrated"
_SAME = {"quadratic_kappa": "kappa"}


@dataclass(frozen=True, eq=False)
class Judged:
    """A cell's ``values`` by measure, the one it is compared by (``metric``) first, and their ``intervals``; ``n`` samples of ``units``
    subjects or images were scored. ``method``: how intervals were made; ``rarest``: see ``Resampling``. ``calibration``, ``subgroups``,
    ``gaps``: rows of the results without their encoder and data.
    """

    metric: str
    values: Mapping[str, Value]
    n: int
    units: int
    unit: str
    measured: Measured
    intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    method: str = "percentile"
    rarest: int | None = None
    calibration: Mapping[str, Any] | None = None
    subgroups: Sequence[Mapping[str, Any]] = ()
    gaps: Sequence[Mapping[str, Any]] = ()


def judged(found: Measured, pair: Pair) -> Judged:
    """What ``found`` is worth: its own values, and each measure of its answers, the mean over its repeats."""
    unit = "images" if pair.data.table.subjects is None else "subjects"
    own = {name: bootstrap.interval(value.replicates) for name, value in found.values.items() if value.replicates is not None}
    if found.scored is not None:
        return Judged(next(iter(found.values)), found.values, *found.scored, unit, found, own)
    test, again = pair.split("test"), resampling.of(pair)
    if found.answers is None:
        return Judged(next(iter(found.values)), found.values, len(test), again.units, unit, found, own)
    metric = main(pair)
    fits = None if found.choosing is None else [tempering.fitted(pair.kind, tempering.chosen_labels(pair, len(one)), one) for one in found.choosing]
    values, intervals = of_answers(found.answers, again, names(pair, fits is not None), fits)
    groups, gaps = subgroups.found(pair, found.answers, again, metric)
    curves = None if fits is None else _calibration(pair, found.answers, fits, values)
    return Judged(
        metric, {**values, **found.values}, len(test), again.units, unit, found, {**intervals, **own}, again.method, again.rarest, curves, groups, gaps
    )


def main(pair: Pair) -> str:
    """The measure that answers to the task are compared by."""
    return _SAME.get(pair.task.metric, pair.task.metric)


def names(pair: Pair, held_out: bool) -> list[str]:
    """The measures of answers to the task, its own first."""
    left_out = {main(pair), *(() if pair.task.kind == "ordinal" else ("kappa",)), *(() if held_out else (SENSITIVITY,))}
    return [main(pair), *(name for name in NAMES if name not in left_out)]


def of_answers(
    answers: Float[Tensor, "repeats samples outputs"], again: Resampling, wanted: Sequence[str], fits: Sequence[Fitted] | None = None
) -> tuple[dict[str, Value], dict[str, tuple[float, float]]]:
    """Each measure of ``wanted``, and those of probabilities also after the temperature of ``fits``, with its interval: the mean over
    repeats, in each replicate too. Repeats of equal answers are measured once.
    """
    sheets: list[list[tuple[Sheet, str]]] = []
    place: list[int] = []
    for repeat, one in enumerate(answers):
        same = next((k for k in range(repeat) if torch.equal(answers[k], one) and (fits is None or fits[k] == fits[repeat])), None)
        if same is None:
            fit = None if fits is None else fits[repeat]
            place.append(len(sheets))
            sheets.append(_sheets(one, again, wanted, fit))
        else:
            place.append(place[same])
    each = [_merged([(sheet.once(), suffix) for sheet, suffix in some]) for some in sheets]
    blocks = [_mean(sheets, place, block) for block in again.weights()]
    without = [_mean(sheets, place, block) for block in again.left_out()] if again.skewed else []
    joined = {name: torch.cat([block[name] for block in blocks]) for name in blocks[0]}
    left_out = {name: torch.cat([block[name] for block in without]) for name in blocks[0]} if without else {}
    alone = {name: torch.tensor([each[k][name] for k in place], dtype=torch.float64) for name in joined}
    values = {name: Value(float(alone[name].mean()), joined[name], alone[name] if len(answers) > 1 else None) for name in joined}
    return values, again.intervals({name: value.value for name, value in values.items()}, joined, left_out)


def _sheets(one: Tensor, again: Resampling, wanted: Sequence[str], fit: Fitted | None) -> list[tuple[Sheet, str]]:
    whose = (again.kind, again.labels)
    where = (again.unit, again.units)
    found = [(Sheet(*whose, one, *where, wanted, None if fit is None else fit.thresholds), "")]
    later = [name for name in wanted if name in BELIEF]
    if fit is not None and later:
        found.append((Sheet(*whose, tempering.tempered(again.kind, one, fit.temperature), *where, later), CALIBRATED))
    return found


def _merged(found: Sequence[tuple[Mapping[str, Any], str]]) -> dict[str, Any]:
    return {f"{name}{suffix}": value for values, suffix in found for name, value in values.items()}


def _mean(sheets: Sequence[Sequence[tuple[Sheet, str]]], place: Sequence[int], block: Tensor) -> dict[str, Tensor]:
    each = [_merged([(sheet.values(block), suffix) for sheet, suffix in some]) for some in sheets]
    return {name: torch.stack([each[k][name] for k in place]).mean(0) for name in each[0]}


def _calibration(pair: Pair, answers: Tensor, fits: Sequence[Fitted], values: Mapping[str, Value]) -> dict[str, Any]:
    """Errors before and after the temperature, and the first repeat's bins to draw."""
    labels, first = pair.split("test").labels, answers[0].cpu()
    after = tempering.tempered(pair.kind, first, fits[0].temperature)
    return {
        "temperature": float(torch.tensor([fit.temperature for fit in fits]).mean()),
        **{name + suffix: values[name + suffix].value for name in BELIEF for suffix in ("", CALIBRATED)},
        "bins": _bins(pair, labels, first),
        "bins_calibrated": _bins(pair, labels, after),
    }


def _bins(pair: Pair, labels: Tensor, answers: Tensor) -> list[dict[str, Any]]:
    if pair.kind == "multilabel":
        known = ~labels.isnan()
        sure, true = answers[known].double(), labels[known].double()
    else:
        sure, true = belief.sureness(labels, answers)
    return [vars(one) for one in calibration.reliability(sure, true)]
