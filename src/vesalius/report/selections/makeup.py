"""What the selection is made of, beside all there is and random selections: classes as bars, numbers as histograms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from vesalius.report.reading import RunRecord
from vesalius.report.section import Block, Section, by_run
from vesalius.report.selections.covering import histogram
from vesalius.report.values import mapping, number, records, text
from vesalius.report.wording import count, figure, share


def section(runs: Sequence[RunRecord]) -> Section:
    """A table for each label and each input of classes, a histogram for each of numbers."""
    return by_run("makeup", "Balance before and after", [_block(run) for run in runs])


def _block(run: RunRecord) -> Block:
    rows = run.rows("balance")
    classes = [_classes(row) for row in rows if row.get("kind") == "classes" and records(row.get("classes"))]
    numbers = [chart for row in rows if row.get("kind") == "numbers" and (chart := _numbers(row)) is not None]
    if not classes and not numbers:
        return Block(run, reason=run.reason("makeup", "There are no labels, metadata or predictions whose balance could be shown."))
    return Block(run, parts={"classes": classes, "charts": numbers})


def _classes(row: Mapping[str, Any]) -> Mapping[str, Any]:
    found = records(row.get("classes"))
    totals = {name: sum(number(one.get(name)) or 0.0 for one in found) for name in ("pool", "selection")}
    drawn = sum(number(mapping(one.get("random")).get("mean")) or 0.0 for one in found)
    rows: list[dict[str, Any]] = []
    for one in found:
        pool, own, random = number(one.get("pool")) or 0.0, number(one.get("selection")) or 0.0, mapping(one.get("random"))
        shares = {name: value / whole if whole else 0.0 for name, value, whole in (("pool", pool, totals["pool"]), ("selection", own, totals["selection"]))}
        rows.append(
            {
                "name": text(one.get("name")),
                "pool": f"{_amount(pool)}\n{share(shares['pool'])}",
                "selection": f"{_amount(own)}\n{share(shares['selection'])}",
                "random": f"{_amount(number(random.get('mean')))}\n{_amount(number(random.get('least')))} to {_amount(number(random.get('greatest')))}",
                "bars": {
                    "pool": shares["pool"],
                    "selection": shares["selection"],
                    "random": (number(random.get("mean")) or 0.0) / drawn if drawn else 0.0,
                },
            }
        )
    most = max((max(one["bars"].values()) for one in rows), default=1.0) or 1.0
    for one in rows:
        one["bars"] = {name: round(100 * value / most, 1) for name, value in one["bars"].items()}
    even = mapping(row.get("evenness"))
    random = mapping(even.get("random"))
    said = [share(number(even.get(name))) for name in ("pool", "selection")]
    beside = f"{share(number(random.get('mean')))} ({share(number(random.get('least')))} to {share(number(random.get('greatest')))})"
    missing = number(row.get("missing"))
    note = f"Evenness (entropy as a share of the most there can be): all images {said[0]}, selected {said[1]}, random {beside}."
    if missing:
        note += f" {count(missing)} of the classes {'is' if missing == 1 else 'are'} not among the selected."
    return {"title": _capital(text(row.get("title"))), "rows": rows, "note": note if number(even.get("selection")) is not None else ""}


def _numbers(row: Mapping[str, Any]) -> Any:
    medians = mapping(row.get("medians"))
    said = f"Medians: all images {figure(number(medians.get('pool')))}, selected {figure(number(medians.get('selection')))}."
    unknown = number(row.get("unknown"))
    note = f"{said} Not known of {count(unknown)} images." if unknown else said
    return histogram(row, _capital(text(row.get("title"))), "value; what lies beyond is in the last bins", note)


def _amount(value: float | None) -> str:
    """A count; of shares and means with a digit."""
    return count(value) if value is None or value >= 100 or value == int(value) else f"{value:.1f}"


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]
