"""Robustness: the metric of fine-tuned models against the strength of what is done to their images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from vesalius.report.chart import Chart, Line
from vesalius.report.pictures import data_uri, open_picture
from vesalius.report.probes import Difference, Table, difference_table
from vesalius.report.reading import RunRecord
from vesalius.report.section import Block, Section, by_run
from vesalius.report.ticks import Axis, Tick, linear
from vesalius.report.values import mapping, number, records, text
from vesalius.report.wording import (
    MINUS,
    count,
    difference,
    figure,
    interval,
    is_percent,
    is_score,
    score,
    share,
    short_score,
    title,
)

_ALL = "all"
_APART = 0.09  # of a level: whiskers of several models stand beside each other
Found = Mapping[str, Any]


def section(runs: Sequence[RunRecord], budget: int) -> Section:
    """Curves, what perturbations take away, and what differs from the first model; the pictures within ``budget`` bytes."""
    return by_run("robustness", "Robustness", [_block(run, budget // len(runs)) for run in runs])


def _block(run: RunRecord, budget: int) -> Block:
    found = run.block("robustness")
    if not records(found.get("curves")):
        return Block(run, reason=run.reason("robustness", "The evaluation did not examine robustness."))
    metric = text(found.get("metric"))
    return Block(
        run,
        parts={
            "models": [[text(model.get(key)) for key in ("letter", "title", "architecture", "trained_on")] for model in records(found.get("runs"))],
            "charts": _charts(found, metric),
            "numbers": _numbers(found, metric),
            "heads": ["Model", "Perturbation", "Strength", title(metric), "95 % interval", "Change", "95 % interval"],
            "areas": _areas(found, metric),
            "apart": _apart(found, metric),
            "picture": _picture(run, found, budget),
            "sample": _sample(found),
            "rule": text(found.get("rule")),
        },
    )


def _charts(found: Found, metric: str) -> list[Chart]:
    rows, letters = records(found.get("curves")), [text(model.get("letter")) for model in records(found.get("runs"))]
    bounds = [v for row in rows for v in (number(row.get(key)) for key in ("value", "low", "high")) if v is not None]
    edges = (0.0, 1.0) if is_score(metric) else (None, None)
    y = linear(bounds or [0.0, 1.0], count=4, floor=edges[0], ceiling=edges[1], show=lambda v: short_score(v, metric))
    made = []
    for one in records(found.get("perturbations")):
        mine = [row for row in rows if row.get("perturbation") == one.get("name")]
        lines = [_line(letter, place, len(letters), [row for row in mine if row.get("run") == letter]) for place, letter in enumerate(letters)]
        texts = [figure(number(row.get("strength"))) if number(row.get("level")) else "none" for row in mine if row.get("run") == letters[0]]
        axis = Axis(-0.35, len(texts) - 0.65)
        x = Axis(axis.low, axis.high, tuple(Tick(axis.at(level), said) for level, said in enumerate(texts)))
        name = text(one.get("title"))
        made.append(
            Chart(
                title=name.capitalize(),
                x=x,
                y=y,
                lines=lines,
                summary=f"{title(metric)} against {name}: " + "; ".join(_said(line, texts, metric) for line in lines) + ".",
                x_title=text(one.get("measure")),
                digits="percent" if is_percent(metric) else "score" if is_score(metric) else "",
                group="robustness",
                x_texts=texts,
            )
        )
    return made


def _line(letter: str, place: int, several: int, rows: Sequence[Found]) -> Line:
    shift = _APART * (place - (several - 1) / 2)
    points, spans = [], []
    for row in rows:
        level, value = number(row.get("level")), number(row.get("value"))
        low, high = number(row.get("low")), number(row.get("high"))
        if level is None or value is None:
            continue
        points.append((level + shift, value))
        if low is not None and high is not None:
            spans.append((level + shift, low, high))
    return Line(letter, points, f"c{place % 8}", dash=place % 3, spans=spans, dots=True)


def _said(line: Line, texts: Sequence[str], metric: str) -> str:
    return f"{line.name} " + ", ".join(f"{score(y, metric)} at {said}" for (_, y), said in zip(line.points, texts))


def _numbers(found: Found, metric: str) -> list[list[str]]:
    titles = {text(one.get("name")): text(one.get("title")) for one in records(found.get("perturbations"))}
    return [
        [
            text(row.get("run")),
            titles.get(text(row.get("perturbation")), ""),
            figure(number(row.get("strength"))) if number(row.get("level")) else "none",
            score(number(row.get("value")), metric),
            interval(number(row.get("low")), number(row.get("high")), metric),
            difference(number(row.get("change")), metric),
            interval(number(row.get("change_low")), number(row.get("change_high")), metric, signed=True),
        ]
        for row in records(found.get("curves"))
    ]


def _areas(found: Found, metric: str) -> Table | None:
    """What each perturbation takes away, with the area below its curve."""
    entries = [
        _entry(row, metric, (text(row.get("run")), _name(row, found), score(number(row.get("value")), metric), share(number(row.get("kept")))), "change")
        for row in records(found.get("areas"))
        if number(row.get("change")) is not None
    ]
    return difference_table(entries, metric, words=("Model", "Perturbation", "Mean", "Kept")) if entries else None


def _apart(found: Found, metric: str) -> list[Table]:
    """The first model minus each other one: over the strengths, and in what they take away."""
    rows = [row for row in records(found.get("area_differences")) if number(row.get("value")) is not None]
    tables = []
    for key, head in (("", "Mean over strengths"), ("change", "Change by the perturbation")):
        entries = [_entry(row, metric, (f"{text(row.get('a'))} {MINUS} {text(row.get('b'))}", _name(row, found)), key) for row in rows]
        if entries:
            made = difference_table(entries, metric, words=("Models", "Perturbation"))
            tables.append(Table(made.metric, head, made.heads, made.rows, made.axis, made.zero, made.note, made.unit))
    return tables


def _entry(row: Found, metric: str, words: Sequence[str], key: str) -> Difference:
    names = (key, f"{key}_low", f"{key}_high") if key else ("value", "low", "high")
    value, low, high = (number(row.get(name)) for name in names)
    return Difference(words, value or 0.0, low, high, metric)


def _name(row: Found, found: Found) -> str:
    name = text(row.get("perturbation"))
    titles = {text(one.get("name")): text(one.get("title")) for one in records(found.get("perturbations"))}
    return "all of them" if name == _ALL else titles.get(name, name)


def _picture(run: RunRecord, found: Found, budget: int) -> Mapping[str, Any]:
    about = mapping(found.get("picture"))
    path = run.path / text(about.get("file"))
    image = open_picture(path) if path.is_file() else None
    if image is None:
        return {}
    address, _ = data_uri(image, budget)
    titles = [text(one.get("title")) for one in records(found.get("perturbations"))]
    return {"address": address, "width": image.width, "height": image.height, "titles": titles} if address else {}


def _sample(found: Found) -> str:
    unit, split = text(found.get("unit")), text(found.get("split"))
    drawn = "whole subjects are drawn again" if unit == "subjects" else "cases are drawn again"
    return f"Intervals are 95 % bootstrap intervals over {count(number(found.get('n')))} {unit} of the {split} split: {drawn}."
