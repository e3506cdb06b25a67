"""A protocol's table of encoders by data sets, read from the results of an evaluation: what tables, pages and terminals show."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from vesalius.report.values import mapping, number, records, text, texts
from vesalius.report.wording import is_directed, is_error

Found = Mapping[str, Any]


@dataclass(frozen=True)
class Cell:
    """A value with its 95 % interval. ``best``: the first encoder of its column; ``tied``: the paired test does not tell it from the first.

    ``margin``: half the interval of a Monte-Carlo error; ``spread``: deviation over ``repeats`` of the protocol's own draws.
    """

    value: float
    low: float | None = None
    high: float | None = None
    margin: float | None = None
    spread: float | None = None
    repeats: int = 1
    n: int = 0
    units: int = 0
    unit: str = "images"
    best: bool = False
    tied: bool = False


@dataclass(frozen=True)
class Grid:
    """``encoders`` as they were asked for and ``baselines`` behind them, ``data`` sets with the ``metric`` each is judged by, and a cell
    for each pair that was measured. ``reasons``: why a pair was not. ``controls``: name -> data set -> what needs no encoder.
    """

    protocol: str
    encoders: Sequence[str]
    baselines: Sequence[str]
    data: Sequence[str]
    metric: Mapping[str, str]
    cells: Mapping[tuple[str, str], Cell]
    reasons: Mapping[tuple[str, str], str] = field(default_factory=dict)
    controls: Mapping[str, Mapping[str, Cell]] = field(default_factory=dict)
    notes: Mapping[str, str] = field(default_factory=dict)
    """Control -> what it is."""

    @property
    def names(self) -> list[str]:
        """Encoders and baselines."""
        return [*self.encoders, *self.baselines]

    @property
    def tested(self) -> bool:
        """Whether anything is marked as tied."""
        return any(cell.tied for cell in self.cells.values())

    def mean(self, name: str) -> float | None:
        """The mean of ``name`` over the data sets; None unless it was measured on all of them."""
        found = [self.cells.get((name, one)) for one in self.data]
        return sum(cell.value for cell in found if cell is not None) / len(found) if found and None not in found else None


def protocols(results: Found) -> list[str]:
    """The protocols of encoders on data sets that ``results`` (``results.json``) hold."""
    return [name for name in texts(results.get("protocols")) if records(part(results, name).get("cells"))]


def part(results: Found, protocol: str) -> Found:
    """What ``results`` hold of ``protocol``."""
    return mapping(results.get(protocol.replace("-", "_")))


def grid(results: Found, protocol: str, metric: str = "") -> Grid:
    """The table of ``protocol`` by the measure each data set is judged by, or by ``metric``."""
    found = part(results, protocol)
    rows = [
        row
        for row in records(found.get("cells"))
        if number(row.get("value")) is not None and (text(row.get("metric")) == metric if metric else row.get("primary") is True)
    ]
    baseline = {text(one.get("name")) for one in records(results.get("encoders")) if one.get("baseline") is True}
    absent = {(text(one.get("encoder")), text(one.get("data"))): text(one.get("reason")) for one in records(found.get("absent"))}
    names = _unique([*(text(row.get("encoder")) for row in rows), *(name for name, _ in absent)])
    named = [text(one.get("name")) for one in records(results.get("encoders"))]
    names.sort(key=lambda name: named.index(name) if name in named else len(named))
    judged = {text(row.get("data")): text(row.get("metric")) for row in rows}
    data = _unique([*judged, *(one for _, one in absent)])
    cells = {(text(row.get("encoder")), text(row.get("data"))): _cell(row) for row in rows}
    for one in data:
        _mark(cells, one, judged.get(one, metric), records(found.get("ties")), baseline)
    answered = _answered(found, results)
    controls: dict[str, dict[str, Cell]] = {}
    notes: dict[str, str] = {}
    for row in records(results.get("controls")):
        name, one = text(row.get("control")), text(row.get("data"))
        if number(row.get("value")) is not None and text(row.get("metric")) == judged.get(one) and one in answered:
            controls.setdefault(name, {})[one] = _cell(row)
            notes.setdefault(name, text(row.get("note")))
    own, beside = [name for name in names if name not in baseline], [name for name in names if name in baseline]
    return Grid(protocol, own, beside, data, {one: judged.get(one, "") for one in data}, cells, absent, controls, notes)


def metrics(results: Found, protocol: str) -> list[str]:
    """Every measure of ``protocol``, those that data sets are judged by first."""
    rows = records(part(results, protocol).get("cells"))
    return _unique([*(text(row.get("metric")) for row in rows if row.get("primary") is True), *(text(row.get("metric")) for row in rows)])


def _cell(row: Found) -> Cell:
    return Cell(
        number(row.get("value")) or 0.0,
        number(row.get("low")),
        number(row.get("high")),
        number(row.get("margin")),
        number(row.get("spread")),
        int(number(row.get("repeats")) or 1),
        int(number(row.get("n")) or 0),
        int(number(row.get("units")) or 0),
        text(row.get("unit")) or "images",
    )


def _answered(found: Found, results: Found) -> set[str]:
    """The data sets whose test images the protocol gave answers for, judged by every measure that controls are judged by.

    Controls are such answers. They say nothing beside an accuracy over episodes, or beside a rank.
    """
    measured, wanted = dict[str, set[str]](), dict[str, set[str]]()
    for rows, known in ((records(found.get("cells")), measured), (records(results.get("controls")), wanted)):
        for row in rows:
            known.setdefault(text(row.get("data")), set()).add(text(row.get("metric")))
    return {data for data, names in wanted.items() if names <= measured.get(data, set())}


def _mark(cells: dict[tuple[str, str], Cell], data: str, metric: str, ties: Sequence[Found], baseline: Collection[str]) -> None:
    """Mark the best encoder of a column, and what ties with it; a ``baseline`` is only there to be compared with."""
    from dataclasses import replace

    here = {name: cell for (name, one), cell in cells.items() if one == data}
    said: Found = next((tie for tie in ties if text(tie.get("data")) == data and text(tie.get("metric")) == metric), {})
    best = text(said.get("best"))
    own = [name for name in here if name not in baseline]
    if best not in here and len(here) > 1 and own and is_directed(metric):
        best = max(own, key=lambda name: -here[name].value if is_error(metric) else here[name].value)
    tied = set(texts(said.get("tied"))) - {best}
    for name, cell in here.items():
        cells[name, data] = replace(cell, best=name == best, tied=name in tied)


def _unique(names: Iterable[str]) -> list[str]:
    return [name for name in dict.fromkeys(names) if name]
