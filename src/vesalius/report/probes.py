"""The examination: every encoder under every probe, with intervals, against named baselines, and paired differences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vesalius.report.reading import RunRecord
from vesalius.report.section import Section
from vesalius.report.ticks import Axis, linear
from vesalius.report.values import number, text, whole
from vesalius.report.wording import (
    count,
    difference,
    figure,
    interval,
    is_error,
    is_percent,
    is_score,
    probe,
    score,
    short_score,
    title,
    unit_of_difference,
)

OWN = "pretrained"
"""The encoder a run is about; every other name is a baseline."""


@dataclass(frozen=True)
class Whisker:
    """A value and its interval, in per cent of an axis; ``mark`` says in a word what it means."""

    at: float
    low: float | None
    high: float | None
    colour: str
    letter: str = ""


@dataclass(frozen=True)
class Row:
    """A line of a table: words, numbers as shown, and the whiskers beside them."""

    words: Sequence[str]
    numbers: Sequence[str]
    whiskers: Sequence[Whisker]
    own: bool = False
    mark: str = ""
    verdict: str = ""


@dataclass(frozen=True)
class Table:
    """One metric: its rows on a shared ``axis``. ``zero`` is where no difference stands."""

    metric: str
    title: str
    heads: Sequence[str]
    rows: Sequence[Row]
    axis: Axis
    zero: float | None = None
    note: str = ""
    unit: str = ""


def section(runs: Sequence[RunRecord]) -> Section:
    """Tables of values by metric, the first metric of the first run leading, and of differences within each run."""
    id_, title_ = "probes", "Probes"
    metrics = list(dict.fromkeys(text(row.get("metric")) for run in runs for row in _scored(run)))
    if not metrics:
        return Section(
            id_, title_, reason=runs[0].reason(id_, "The run was not examined: results.json holds no probes.")
        )
    tables = [_values(metric, runs) for metric in metrics]
    differences = [table for run in runs for table in _differences(run)]
    baselines = list(dict.fromkeys(text(row.get("encoder")) for run in runs for row in _scored(run)))
    return Section(
        id_,
        title_,
        parts={
            "tables": tables,
            "differences": differences,
            "baselines": [name for name in baselines if name != OWN],
            "sample": _sample(runs),
        },
    )


def headline(run: RunRecord) -> Mapping[str, Any] | None:
    """The run's first probe of its own encoder: the number to quote, with its row."""
    return next((row for row in _scored(run) if text(row.get("encoder")) == OWN), None)


def same(row: Mapping[str, Any], other: Mapping[str, Any], *keys: str) -> bool:
    """Whether two rows agree in ``keys``."""
    return all(text(row.get(key)) == text(other.get(key)) for key in keys)


def _scored(run: RunRecord) -> list[Mapping[str, Any]]:
    return [row for row in run.rows("probes") if number(row.get("value")) is not None and text(row.get("metric"))]


def _values(metric: str, runs: Sequence[RunRecord]) -> Table:
    found = [(run, row) for run in runs for row in _scored(run) if text(row.get("metric")) == metric]
    bounds = [v for _, row in found for v in (number(row.get(k)) for k in ("value", "low", "high")) if v is not None]
    axis = linear(
        bounds,
        count=4,
        pad=0.08,
        floor=0.0 if is_score(metric) else None,
        ceiling=1.0 if is_score(metric) else None,
        show=lambda v: short_score(v, metric),
    )
    keys = list(dict.fromkeys((text(row.get("probe")), text(row.get("encoder"))) for _, row in found))
    order = list(dict.fromkeys(name for name, _ in keys))
    keys.sort(key=lambda key: (order.index(key[0]), key[1] != OWN))
    several = len(runs) > 1
    rows = []
    for probe_name, encoder in keys:
        own = encoder == OWN
        numbers: list[str] = []
        whiskers: list[Whisker] = []
        for place, run in enumerate(runs):
            row = next((r for r0, r in found if r0 is run and _is(r, probe_name, encoder)), None)
            if row is None:
                numbers += ["–"] if several else ["–", "–"]
                continue
            value, low, high = (number(row.get(key)) for key in ("value", "low", "high"))
            shown = interval(low, high, metric)
            numbers += [f"{score(value, metric)}\n{shown}"] if several else [score(value, metric), shown]
            colour = (f"c{place % 8}" if several else "c0") if own else "grey"
            if value is not None:
                whiskers.append(_whisker(axis, value, low, high, colour, run.letter))
        if not several:
            row = next((r for _, r in found if _is(r, probe_name, encoder)), {})
            numbers.append(" ".join(filter(None, [count(number(row.get("n"))), text(row.get("unit"))])))
        rows.append(Row([encoder, probe(probe_name)], numbers, whiskers, own=own))
    heads = ["Encoder", "Probe"] + (
        [run.label for run in runs] if several else [title(metric), "95 % interval", "Counted"]
    )
    return Table(metric, title(metric), heads, rows, axis, note=_split(found))


def _is(row: Mapping[str, Any], probe_name: str, encoder: str) -> bool:
    return text(row.get("probe")) == probe_name and text(row.get("encoder")) == encoder


def _whisker(axis: Axis, value: float, low: float | None, high: float | None, colour: str, letter: str = "") -> Whisker:
    if low is None or high is None:
        return Whisker(axis.at(value), None, None, colour, letter)
    return Whisker(axis.at(value), axis.at(min(low, high)), axis.at(max(low, high)), colour, letter)


def _split(found: Sequence[tuple[RunRecord, Mapping[str, Any]]]) -> str:
    splits = list(dict.fromkeys(text(row.get("split")) for _, row in found if text(row.get("split"))))
    return f"On the {' and '.join(splits)} split." if splits else ""


def _differences(run: RunRecord) -> list[Table]:
    rows = [row for row in run.rows("differences") if number(row.get("value")) is not None and text(row.get("metric"))]
    tables = []
    for metric in dict.fromkeys(text(row.get("metric")) for row in rows):
        entries = [
            Difference(
                words=(f"{text(row.get('a'))} {_MINUS} {text(row.get('b'))}", probe(text(row.get("probe")))),
                value=number(row.get("value")) or 0.0,
                low=number(row.get("low")),
                high=number(row.get("high")),
                metric=metric,
            )
            for row in rows
            if text(row.get("metric")) == metric
        ]
        tables.append(difference_table(entries, metric, f"{run.label}: " if run.letter else ""))
    return tables


_MINUS = "−"


@dataclass(frozen=True)
class Difference:
    """A minus B in ``metric`` with its interval, or with none."""

    words: Sequence[str]
    value: float
    low: float | None
    high: float | None
    metric: str
    how: str = ""

    @property
    def verdict(self) -> str:
        """``better``, ``worse`` or ``not told apart``, by whether the interval leaves zero out."""
        if self.low is None or self.high is None:
            return "no interval"
        if self.low <= 0 <= self.high:
            return "not told apart"
        return "better" if (self.low > 0) is not is_error(self.metric) else "worse"


def difference_table(
    entries: Sequence[Difference], metric: str, prefix: str = "", words: Sequence[str] = ("Difference", "Probe")
) -> Table:
    """A table of ``entries``, all of ``metric``, around zero."""
    bounds = [0.0] + [v for entry in entries for v in (entry.value, entry.low, entry.high) if v is not None]
    axis = linear(bounds, count=4, pad=0.08, show=lambda v: _short(v, metric))
    rows = []
    for entry in entries:
        word = entry.verdict
        colour = "c0" if word == "better" else "bad" if word == "worse" else "grey"
        numbers = [difference(entry.value, metric), interval(entry.low, entry.high, metric, signed=True)]
        whisker = _whisker(axis, entry.value, entry.low, entry.high, colour)
        rows.append(
            Row(list(entry.words), numbers, [whisker], verdict=word, mark={"better": "▲", "worse": "▼"}.get(word, "○"))
        )
    unit = unit_of_difference(metric)
    heads = [*words, f"In {unit}" if unit else title(metric), "95 % interval", "Reading"]
    return Table(metric, f"{prefix}{title(metric)}", heads, rows, axis, zero=axis.at(0.0), unit=unit)


def _short(value: float, metric: str) -> str:
    if value == 0:
        return "0"
    sign = "+" if value > 0 else ""
    return sign + figure(100 * value if is_percent(metric) else value)


def _sample(runs: Sequence[RunRecord]) -> str:
    """How large the sample behind the intervals is, and what was drawn again for them."""
    row = next((row for run in runs for row in _scored(run) if whole(row.get("n"))), None)
    if row is None:
        return ""
    unit = text(row.get("unit")) or "images"
    how = "Intervals are 95 % bootstrap intervals"
    return (
        f"{how} over {count(number(row.get('n')))} {unit}: whole subjects are drawn, not single images."
        if unit == "subjects"
        else (f"{how} over {count(number(row.get('n')))} {unit}.")
    )
