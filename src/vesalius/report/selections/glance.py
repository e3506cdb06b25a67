"""A selection in a few numbers: how many, how well they cover the rest, how far they are apart, what a probe on them is worth."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vesalius.report.kinds import kind
from vesalius.report.reading import RunRecord
from vesalius.report.selections.covering import standing
from vesalius.report.values import mapping, number, records, text
from vesalius.report.wording import MINUS, PERCENT, count, difference, figure, interval, score, title

_STATES = {
    "better": ("good", "▲", "Covers the images better than every random selection"),
    "as random": ("open", "○", "Covers the images as random selections do"),
    "worse": ("bad", "▼", "Covers the images worse than every random selection"),
}


def parts(run: RunRecord) -> dict[str, Any]:
    """``numbers`` and ``state`` of the verdict; empty for a run that is no selection."""
    n, pool = number(run.results.get("n")), number(run.results.get("pool"))
    if kind(run) != "select" or n is None:
        return {}
    numbers: list[Mapping[str, Any]] = [{"value": count(n), "name": "selected", "more": f"of {count(pool)} images", "lead": True}]
    quality = run.block("quality")
    for name, words in (("cover_radius", "cover radius"), ("min_pair", "least distance of two selected")):
        found = mapping(quality.get(name))
        value, mean = number(found.get("selection")), number(mapping(found.get("random")).get("mean"))
        if value is not None and mean:
            numbers.append({"value": figure(value), "name": words, "more": f"{_change(value / mean - 1)} against random"})
    return {"numbers": [*numbers, *_even(run), *_probe(run)][:5], "state": _state(quality)}


def _change(share: float) -> str:
    return f"{'+' if share >= 0 else MINUS}{abs(100 * share):.0f}{PERCENT}"


def _even(run: RunRecord) -> list[Mapping[str, Any]]:
    """Of the first label or input of classes."""
    for row in run.rows("balance"):
        even = mapping(row.get("evenness"))
        own, pool = number(even.get("selection")), number(even.get("pool"))
        if own is not None and pool is not None:
            return [{"value": f"{100 * own:.0f}{PERCENT}", "name": f"evenness, {text(row.get('title'))}", "more": f"all images {100 * pool:.0f}{PERCENT}"}]
    return []


def _probe(run: RunRecord) -> list[Mapping[str, Any]]:
    rows = records(run.block("probe").get("rows"))
    if not rows:
        return []
    row = max(rows, key=lambda one: (number(one.get("labels")) or 0, one.get("metric") == rows[0].get("metric")))
    metric = text(row.get("metric"))
    low, high = number(row.get("difference_low")), number(row.get("difference_high"))
    more = f"{difference(number(row.get('difference')), metric)} against random, 95 %: {interval(low, high, metric, signed=True)}"
    return [{"value": score(number(row.get("value")), metric), "name": f"{title(metric)} of a probe", "more": more}]


def _state(quality: Mapping[str, Any]) -> Mapping[str, str]:
    word = standing("cover_radius", mapping(quality.get("cover_radius")))
    if word not in _STATES:
        return {}
    kind_, mark, said = _STATES[word]
    return {"kind": kind_, "mark": mark, "text": said}
