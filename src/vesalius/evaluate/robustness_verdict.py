"""What came out of a robustness examination, in sentences that say no more than the numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vesalius.evaluate.finetuned_verdict import metric_in_words
from vesalius.evaluate.strength_curves import OVERALL
from vesalius.evaluate.verdict import interval, signed

Row = Mapping[str, Any]


def sentences(results: Mapping[str, Any]) -> list[str]:
    """Of ``robustness`` in the results: each run's own numbers, what costs most, and what differs from the first."""
    metric, letters = metric_in_words(results["metric"]), [run["letter"] for run in results["runs"]]
    clean = {row["run"]: row for row in results["curves"] if row["level"] == 0}
    areas = {(row["run"], row["perturbation"]): row for row in results["areas"]}
    first = letters[0]
    if clean[first]["value"] is None or areas[first, OVERALL]["value"] is None:
        return [f"{metric} is not defined on these {results['split']} labels."]
    said = [_own(letter, clean[letter], areas[letter, OVERALL], metric, results, alone=len(letters) == 1) for letter in letters]
    said.append(_costs(first if len(letters) > 1 else "", areas, results))
    apart = {(row["b"], row["perturbation"]): row for row in results["area_differences"]}
    start = {row["b"]: row for row in results["differences"] if row["level"] == 0}
    for letter in letters[1:]:
        said += _against(first, letter, start[letter], apart[letter, OVERALL], results)
    return said


def _own(letter: str, clean: Row, area: Row, metric: str, results: Mapping[str, Any], *, alone: bool) -> str:
    who = "The model" if alone else f"{letter} ({next(run for run in results['runs'] if run['letter'] == letter)['trained_on']})"
    counted = f" on {results['n']:,} {results['split']} {results['unit']}" if letter == "A" else ""
    return (
        f"{who} reaches {metric} {interval(clean)}{counted}; over {len(results['perturbations'])} perturbations of five strengths each the mean "
        f"is {interval(area)}, a change of {signed(_change(area))}."
    )


def _costs(letter: str, areas: Mapping[tuple[str, str], Row], results: Mapping[str, Any]) -> str:
    letter_, better = letter or "A", 1 if results["higher_is_better"] else -1
    titles = {one["name"]: one["title"] for one in results["perturbations"]}
    rows = [areas[letter_, name] for name in titles if areas[letter_, name]["change"] is not None]
    order = sorted(rows, key=lambda row: better * row["change"])
    worst, least = order[0], order[-1]
    whose = f" {letter}" if letter else " it"
    if worst is least:
        return f"{titles[worst['perturbation']].capitalize()} changes{whose} by {signed(_change(worst))}."
    return (
        f"{titles[worst['perturbation']].capitalize()} costs{whose} most, {signed(_change(worst))}; {titles[least['perturbation']]} least, "
        f"{signed(_change(least))}."
    )


def _against(first: str, other: str, start: Row, area: Row, results: Mapping[str, Any]) -> list[str]:
    better = 1 if results["higher_is_better"] else -1
    undisturbed = _reading(first, other, start, better, "Undisturbed", "better", "worse")
    disturbed = _reading(first, other, area, better, "Over all perturbations", "better", "worse")
    change = _reading(first, other, _change(area), better, "In what perturbations take away", "more robust", "less robust")
    return [undisturbed, disturbed, change]


def _reading(first: str, other: str, row: Row, better: int, where: str, more: str, less: str) -> str:
    if row["value"] is None or row["low"] is None:
        return f"{where} the difference of {first} and {other} is not defined."
    low, high = sorted((better * row["low"], better * row["high"]))
    if low > 0:
        return f"{where}, {first} is {more} than {other}: {signed(row)}."
    if high < 0:
        return f"{where}, {first} is {less} than {other}: {signed(row)}."
    return f"{where}, {first} and {other} cannot be told apart: {signed(row)}."


def _change(row: Row) -> Row:
    return {"value": row["change"], "low": row["change_low"], "high": row["change_high"]}
