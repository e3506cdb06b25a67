"""From what each view of each image scored to values with intervals, of all transforms, of each, and along each one's parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from vesalius.evaluate.pairs.measured import Measured, Value
from vesalius.evaluate.pairs.pair import Pair
from vesalius.evaluate.transformed.grids import Parameter
from vesalius.evaluate.transformed.transforms import TRANSFORMS
from vesalius.measures import bootstrap

SETTINGS = 8
"""Parameters of a transform where nothing else is said."""
_DRAWN = 64
"""Parameters of a transform that are on its curve at most, of 256 that the original has."""
_WITH_INTERVAL = 3
"""Subjects below which no interval is told."""


def kept(pair: Pair, place: str, key: str, names: Sequence[str], scored: Callable[[str], Tensor]) -> dict[str, Float[Tensor, "measures images settings"]]:
    """What each transform of ``names`` scored, (measures, images, settings) each, from the run's ``PLACE/NAME`` where it is there.

    A run that was killed so goes on.
    """
    found = {}
    with pair.asked.terminal.bar(f"{pair.encoder.name} on {pair.dataset}", "transforms") as progress:
        for number, name in enumerate(names):
            progress(number, len(names), note=TRANSFORMS[name].title)
            found[name] = pair.asked.cells.kept(f"{place}/{name}", key, lambda name=name: scored(name).double().cpu())  # type: ignore[misc]
        progress(len(names), len(names))
    return found


def measured(
    pair: Pair,
    subjects: NDArray[np.int64],
    scores: Mapping[str, Float[Tensor, "measures images settings"]],
    chosen: Mapping[str, Sequence[Parameter]],
    measures: Sequence[str],
    facts: Mapping[str, Any],
) -> Measured:
    """Means over images, then over parameters, then over transforms; an undefined view is left out. Intervals draw ``subjects`` (n,) again.

    A transform's own value is ``MEASURE@TRANSFORM``; a row of the curve has its ``transform``, ``said``, the parameter in words, and ``x``,
    where it stands on the transform's axis.
    """
    drawn = bootstrap.groups(subjects.astype(object), len(subjects))
    weights = torch.cat([block.double() for block in bootstrap.weights(drawn, pair.asked.replicates, pair.asked.seed)], 1)
    people = int(drawn.max()) + 1
    told = people >= _WITH_INTERVAL
    own: dict[str, tuple[Tensor, Tensor]] = {}
    curve: list[dict[str, Any]] = []
    for name, found in scores.items():
        # (measures, settings), and that over replicates: means over the images for which a view is defined
        there = (~found.isnan()).double()
        each = found.nan_to_num().sum(1) / there.sum(1)
        again = torch.einsum("mns,nr->msr", found.nan_to_num(), weights) / torch.einsum("mns,nr->msr", there, weights)
        own[name] = each.nanmean(1), again.nanmean(1)
        low, high = torch.nanquantile(again, torch.tensor([0.025, 0.975], dtype=torch.float64), dim=2)
        drawn_at = np.linspace(0, len(chosen[name]) - 1, min(len(chosen[name]), _DRAWN)).round().astype(int).tolist()
        for row, metric in enumerate(measures):
            for column in drawn_at:
                parameter = chosen[name][column]
                ends = (float(low[row, column]), float(high[row, column])) if told else (None, None)
                place = {"x": TRANSFORMS[name].place(parameter), "said": TRANSFORMS[name].said(parameter)}
                curve.append({"metric": metric, "transform": name, **place, "value": float(each[row, column]), "low": ends[0], "high": ends[1]})
    values = {}
    for row, metric in enumerate(measures):
        mean, spread = (torch.stack([one[part][row] for one in own.values()]).mean(0) for part in (0, 1))
        values[metric] = Value(float(mean), spread if told else None)
    for row, metric in enumerate(measures):
        values |= {f"{metric}@{name}": Value(float(one[row]), many[row] if told else None) for name, (one, many) in own.items()}
    return Measured(values=values, curve=curve, facts=facts, scored=(len(subjects), people))
