"""Encoders over several data sets, and protocols beside each other: mean ranks with their tests, correlations.

Demsar, "Statistical comparisons of classifiers over multiple data sets", JMLR 2006: Friedman's test, Nemenyi's critical difference,
Wilcoxon's signed ranks with Holm's correction. They take each data set as one observation, whatever its size.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vesalius.evaluate.judged.differences import lower_is_better
from vesalius.measures.families import holm
from vesalius.report import aspects
from vesalius.report.wording import is_directed

LEAST_DATA = 3

Row = dict[str, Any]
Parts = Mapping[str, Mapping[str, Any]]
"""Protocol -> its part of the results."""


def ranks(parts: Parts, baselines: Sequence[str]) -> list[Row]:
    """``ranks`` of the results: for each protocol measured on at least three data sets, the encoders that are on all of them."""
    found = []
    for protocol, part in parts.items():
        scores, names, data = _scores(part, baselines)
        if len(data) >= LEAST_DATA and len(names) >= 2:
            found.append({"protocol": protocol, **ranked(scores, names, data)})
    return found


def ranked(scores: NDArray[np.float64], names: Sequence[str], data: Sequence[str]) -> Row:
    """Mean ranks, 1 the best, of ``scores`` (data, encoders), more is better; the tests need no more than the ranks."""
    from scipy.stats import friedmanchisquare, rankdata, studentized_range, wilcoxon

    n, k = scores.shape
    mean = rankdata(-scores, axis=1).mean(0)
    if k > 2 and not np.all(scores == scores[:, :1]):
        statistic, p = friedmanchisquare(*scores.T)
    else:
        statistic, p = float("nan"), float("nan")
    critical = float(studentized_range.ppf(0.95, k, np.inf)) / np.sqrt(2) * np.sqrt(k * (k + 1) / (6 * n))
    pairs: list[Row] = []
    for i, j in combinations(range(k), 2):
        apart = scores[:, i] - scores[:, j]
        pairs.append({"a": names[i], "b": names[j], "p": float(wilcoxon(apart).pvalue) if apart.any() else 1.0})
    corrected = holm([row["p"] for row in pairs])
    return {
        "data": list(data),
        "n": n,
        "ranks": [{"encoder": name, "rank": float(rank)} for name, rank in sorted(zip(names, mean, strict=True), key=lambda one: one[1])],
        "friedman": float(statistic),
        "friedman_p": float(p),
        "critical_difference": critical,
        "wilcoxon": [{**row, "p_holm": p} for row, p in zip(pairs, corrected, strict=True)],
    }


def correlations(parts: Parts, baselines: Sequence[str], seed: int, published: Mapping[str, float | None] | None = None) -> list[Row]:
    """``correlations`` of the results, over encoders without the ``baselines``: of every two protocols, of what looks into an encoder with
    scores, and of the top-1 accuracy on ImageNet that is ``published`` of encoders with both. See ``report.aspects``.
    """
    return aspects.coefficients(aspects.within(aspects.of_parts(parts, published or {})), seed, baselines)


def _scores(part: Mapping[str, Any], baselines: Sequence[str]) -> tuple[NDArray[np.float64], list[str], list[str]]:
    """(data, encoders) by each data set's own measure, more is better; the encoders that have a value on all data sets."""
    rows = [
        row
        for row in part.get("cells", ())
        if row["primary"] and row["encoder"] not in baselines and row["value"] == row["value"] and is_directed(row["metric"])
    ]
    values = {(row["data"], row["encoder"]): (-1 if lower_is_better(row["metric"]) else 1) * row["value"] for row in rows}
    data = list(dict.fromkeys(row["data"] for row in rows))
    names = [name for name in dict.fromkeys(row["encoder"] for row in rows) if all((one, name) in values for one in data)]
    return np.array([[values[one, name] for name in names] for one in data]).reshape(len(data), len(names)), names, data
