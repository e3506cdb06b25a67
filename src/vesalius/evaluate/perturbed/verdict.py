"""What came out of a robustness examination, in sentences that say no more than the numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from vesalius.evaluate.finetuned.verdict import metric_in_words
from vesalius.evaluate.perturbed.strength_curves import OVERALL
from vesalius.evaluate.pretrained.verdict import interval, signed

Row = Mapping[str, Any]


def sentences(results: Mapping[str, Any]) -> list[str]:
    """Of ``robustness`` in the results: each run's own numbers, what costs most, and what differs from the first."""
    metric, letters = "a mean Dice of" if results["metric"] == "dice" else metric_in_words(results["metric"]), [run["letter"] for run in results["runs"]]
    clean = {row["run"]: row for row in results["curves"] if row["level"] == 0}
    areas = {(row["run"], row["perturbation"]): row for row in results["areas"]}
    first = letters[0]
    if clean[first]["value"] is None or areas[first, OVERALL]["value"] is None:
        name = "Mean Dice" if results["metric"] == "dice" else metric
        return [f"{name} is not defined on these {results['split']} labels."]
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
        f"is {interval(area)}, a change of {signed(_part(area, 'change'))}."
    )


def _costs(letter: str, areas: Mapping[tuple[str, str], Row], results: Mapping[str, Any]) -> str:
    letter_, better = letter or "A", 1 if results["higher_is_better"] else -1
    titles = {one["name"]: one["title"] for one in results["perturbations"]}
    rows = [areas[letter_, name] for name in titles if areas[letter_, name]['change'] is not None]
    order = sorted(rows, key=lambda row: better * row['change'])
    worst, least = order[0], order[-1]
    whose = f" {letter}" if letter else " it"
    if worst is least:
        return f"{titles[worst['perturbation']].capitalize()} changes{whose} by {signed(_part(worst, 'change'))}."
    return (
        f"{titles[worst['perturbation']].capitalize()} costs{whose} most, {signed(_part(worst, 'change'))}; {titles[least['perturbation']]} least, "
        f"{signed(_part(least, 'change'))}."
    )


def _against(a: str, b: str, start: Row, area: Row, results: Mapping[str, Any]) -> list[str]:
    """The first, A, beside B: as they are, disturbed, and in what perturbations take away."""
    better = 1 if results["higher_is_better"] else -1
    said, begin = [], _reading(start, better)
    for where, row in (("Undisturbed", start), ("Over all perturbations", area)):
        words = [f"{where}, {a} {how} {b}" for how in ("is better than", "is worse than")]
        said.append(_said(row, better, words, f"{where}, {a} and {b} cannot be told apart"))
    gone, kept = _part(area, "change"), _part(area, "kept")
    words = [f"Perturbations take {much} from {a} than from {b}" for much in ("less", "more")]
    said.append(_said(gone, better, words, f"What perturbations take from {a} and from {b} cannot be told apart"))
    if begin and better > 0 and kept["value"] is not None:
        words = [f"{a} keeps a {size} share of what it has undisturbed than {b}" for size in ("larger", "smaller")]
        share = _said(kept, better, words, f"the shares of it that {a} and {b} keep cannot be told apart")
        said.append(f"They do not start alike, so that losing less is not by itself more robustness: {share}")
    return said


def _reading(row: Row, better: int) -> int | None:
    """1 where the first is clearly better, -1 where clearly worse, 0 where neither; None where it is not defined."""
    if row["value"] is None or row["low"] is None:
        return None
    low, high = sorted((better * row["low"], better * row["high"]))
    return 1 if low > 0 else -1 if high < 0 else 0


def _said(row: Row, better: int, either: Sequence[str], neither: str) -> str:
    """``either``: what is said where the first is clearly better, and where clearly worse."""
    reading = _reading(row, better)
    if reading is None:
        return f"{neither}: the difference is not defined."
    return f"{either[0] if reading > 0 else either[1] if reading < 0 else neither}: {signed(row)}."


def _part(row: Row, name: str) -> Row:
    """The value and interval of ``name`` in a row of areas."""
    return {"value": row[name], "low": row[f"{name}_low"], "high": row[f"{name}_high"]}
