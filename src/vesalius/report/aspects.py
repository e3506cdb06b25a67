"""What encoders are held against each other by, and how far two such things go together over encoders.

An aspect is a measure of a protocol: scores on labels, and what looks into an encoder without any, as attentive diffusion or invariance; and
the top-1 accuracy on ImageNet that was published of an encoder.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np

from vesalius.measures.correlation import correlated
from vesalius.measures.families import holm
from vesalius.report.grid import Found, part, protocols
from vesalius.report.values import number, records, text
from vesalius.report.wording import is_error, is_percent, title

IMAGENET = "ImageNet top-1"
FURTHER: Mapping[str, tuple[str, ...]] = {
    "rank": ("effective_rank", "alpha_req", "lidar"),
    "saliency": (),
    "invariance": ("mahalanobis", "centred_cosine", "neighbours_kept"),
    "multiview-invariance": ("mahalanobis", "centred_cosine", "neighbours_kept"),
    "reconstruction": ("psnr", "ssim"),
    "perceptual-distance": (),
}
"""Protocols that look into an encoder and score nothing: further measures of theirs, beside the first, that are held against scores."""
_OF_TRANSFORMS, _EACH = "invariance", 4
"""At most so many transforms of which each has its own coefficient with a score; of more their mean has."""
_HUNDRED = ("attentive_diffusion",)
"""Measures that are per cent as they are."""
_PEOPLE = ("Mahalanobis", "Brier", "Matthews")
"""Whose names titles begin with."""
Row = dict[str, Any]


@dataclass(frozen=True)
class Aspect:
    """``values``: data set -> encoder -> value; of what hangs on no data set that of ``""``. ``metric`` is empty where data sets are judged by
    different ones. ``first``: whether the protocol is judged by it. ``scored``: whether it is a score on labels. ``run``: the letter of its
    run on a page of several.
    """

    protocol: str
    metric: str
    values: Mapping[str, Mapping[str, float]]
    first: bool = True
    scored: bool = True
    run: str = ""

    @property
    def name(self) -> str:
        """``linear, ROC-AUC``, ``saliency, attentive diffusion``."""
        its = title(self.metric)
        its = its[:1].lower() + its[1:] if its[1:].partition(" at ")[0].islower() and not its.startswith(_PEOPLE) else its
        named = self.protocol if not self.metric or self.protocol == IMAGENET else f"{self.protocol}, {its}"
        return f"{self.run}: {named}" if self.run else named

    @property
    def titled(self) -> str:
        """The name with its unit."""
        return f"{self.name} (%)" if self.protocol == IMAGENET or self.metric in _HUNDRED or is_percent(self.metric) else self.name

    def shared(self, other: Aspect) -> list[str]:
        """The data sets that both were measured on."""
        mine, its = list(self.values), list(other.values)
        return its if mine == [""] else mine if its == [""] else [one for one in mine if one in its]

    def on(self, data: Sequence[str]) -> dict[str, float]:
        """Encoder -> mean over ``data``, of the encoders that have a value on each; over all of its own where ``data`` is empty."""
        if "" in self.values:
            return dict(self.values[""])
        tables = [self.values[one] for one in data or self.values]
        names = [name for name in tables[0] if all(name in table for table in tables)]
        return {name: sum(table[name] for table in tables) / len(tables) for name in names}


def aspects(results: Found, run: str = "") -> list[Aspect]:
    """Every aspect of an evaluation's ``results`` (``results.json``), baselines included: the published accuracy, then as protocols were asked for."""
    return of_parts({name: part(results, name) for name in protocols(results)}, _published(records(results.get("encoders"))), run)


def of_parts(parts: Mapping[str, Found], published: Mapping[str, float | None], run: str = "") -> list[Aspect]:
    """The same of protocols' parts by name. ``published``: encoder -> top-1 accuracy on ImageNet in per cent, where there is one."""
    top = {name: 100 * value if value <= 1 else value for name, value in published.items() if value is not None}
    found = [Aspect(IMAGENET, "imagenet_top1", {"": top}, scored=False, run=run)] if top else []
    for protocol, its in parts.items():
        rows = [row for row in records(its.get("cells")) if number(row.get("value")) is not None]
        first = [row for row in rows if row.get("primary") is True]
        scored = protocol not in FURTHER
        found += [Aspect(protocol, *_table(first), scored=scored, run=run)] if first else []
        judged = {text(row.get("metric")) for row in first}
        for metric in _further(protocol, [text(row.get("metric")) for row in rows]):
            if metric not in judged:
                found.append(Aspect(protocol, *_table([row for row in rows if text(row.get("metric")) == metric]), first=False, scored=False, run=run))
    return found


def within(found: Sequence[Aspect]) -> list[tuple[Aspect, Aspect]]:
    """The pairs of one evaluation: first measures of different protocols, and further ones against scores."""
    return [(a, b) for a, b in combinations(found, 2) if a.protocol != b.protocol and ((a.first and b.first) or a.scored or b.scored)]


def across(one: Sequence[Aspect], other: Sequence[Aspect]) -> list[tuple[Aspect, Aspect]]:
    """The pairs that only two evaluations together have; encoders must be called alike in both. A score stands last."""
    known = {(a.protocol, a.metric) for a in one} & {(b.protocol, b.metric) for b in other}
    pairs = [(a, b) for a in one for b in other if not {(a.protocol, a.metric), (b.protocol, b.metric)} & known]
    return [(b, a) if a.scored and not b.scored else (a, b) for a, b in pairs if (a.first and b.first) or a.scored or b.scored]


def coefficients(pairs: Sequence[tuple[Aspect, Aspect]], seed: int, without: Iterable[str] = ()) -> list[Row]:
    """``correlations`` of the results: each pair once over data sets, and once for each that both were measured on; the strongest first.

    ``without``: encoders that do not count, as baselines. A row names both sides (``a``, ``a_metric``, ``b``, ``b_metric``) and the ``data``
    that both are means over, none where they were measured on different ones; ``on`` is the data set of a row of one, else None. The rest is of
    ``measures.correlation``. ``p_holm``: Spearman's p-value corrected for the ``family``, all rows over data sets or all rows of single ones.
    """
    left_out, over, single = set(without), list[Row](), list[Row]()
    for a, b in pairs:
        shared = a.shared(b)
        over += _row(a, b, shared, None, seed, left_out)
        single += [row for one in shared for row in _row(a, b, [one], one, seed, left_out)] if len(shared) > 1 else []
    return [*_corrected(over), *_corrected(single)]


def _row(a: Aspect, b: Aspect, data: Sequence[str], on: str | None, seed: int, without: set[str]) -> list[Row]:
    xs, ys = a.on(data), b.on(data)
    names = [name for name in xs if name in ys and name not in without]
    found = correlated(np.array([xs[name] for name in names], float), np.array([ys[name] for name in names], float), seed)
    if found is None:
        return []
    sides = {"a": a.protocol, "a_metric": a.metric, "b": b.protocol, "b_metric": b.metric}
    return [{**sides, "data": list(data), "on": on, **found._asdict()}]


def _corrected(rows: list[Row]) -> list[Row]:
    found = [{**row, "p_holm": p, "family": len(rows)} for row, p in zip(rows, holm([row["p"] for row in rows]), strict=True)]
    return sorted(found, key=lambda row: -abs(row["spearman"]))


def _table(rows: Sequence[Found]) -> tuple[str, dict[str, dict[str, float]]]:
    """The measure of ``rows`` and their values, shares in per cent; where some data sets are judged by an error and others are not, errors count as
    their negative.
    """
    metrics = {text(row.get("metric")) for row in rows}
    scale = 100.0 if all(is_percent(metric) for metric in metrics) else 1.0
    mixed = len({is_error(metric) for metric in metrics}) > 1
    values: dict[str, dict[str, float]] = {}
    for row in rows:
        sign = -scale if mixed and is_error(text(row.get("metric"))) else scale
        values.setdefault(text(row.get("data")), {})[text(row.get("encoder"))] = sign * (number(row.get("value")) or 0.0)
    return next(iter(metrics)) if len(metrics) == 1 else "", values


def _further(protocol: str, metrics: Sequence[str]) -> list[str]:
    """Further measures of ``protocol``, and invariance to each transform where they are few."""
    there = dict.fromkeys(metrics)
    each = [metric for metric in there if protocol == _OF_TRANSFORMS and metric.startswith(f"{next(iter(there))}@")]
    return [metric for metric in FURTHER.get(protocol, ()) if metric in there] + (each if 1 < len(each) <= _EACH else [])


def _published(encoders: Sequence[Found]) -> dict[str, float | None]:
    return {text(one.get("name")): number(one.get("imagenet_top1")) for one in encoders}


def renamed(found: Sequence[Aspect], names: Mapping[str, str]) -> list[Aspect]:
    """``found`` with encoders called by ``names``; those that are not in it are left out."""
    return [
        replace(one, values={data: {names[name]: v for name, v in table.items() if name in names} for data, table in one.values.items()}) for one in found
    ]
