"""What a protocol says of one data set, in plain words: who is best by how much, and whether it is more than pixels or chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from vesalius.evaluate.finetuned.verdict import metric_in_words
from vesalius.evaluate.judged.differences import ALPHA, lower_is_better
from vesalius.evaluate.judged.judging import Judged
from vesalius.evaluate.pretrained.verdict import interval, signed
from vesalius.report.wording import is_directed

Row = Mapping[str, Any]


def verdict(protocol: str, data: str, metric: str, cells: Mapping[str, Judged], baselines: Sequence[str], apart: Sequence[Row]) -> list[str]:
    """The sentences; none of a measure of which neither more nor less is better."""
    if not is_directed(metric):
        return []
    better = -1 if lower_is_better(metric) else 1
    own = {name: judged.values[metric].value for name, judged in cells.items() if name not in baselines and metric in judged.values}
    known = {name: value for name, value in own.items() if value == value}
    if not known:
        return [f"{protocol} on {data}: {metric_in_words(metric)} is undefined; one class alone may be in the test split."]
    best = max(known, key=lambda name: better * known[name])
    judged = cells[best]
    low, high = judged.intervals.get(metric, (None, None))
    score = interval({"value": known[best], "low": low, "high": high})
    first = f"{protocol} on {data}: {best} reaches {metric_in_words(metric)} {score} on {judged.units:,} {judged.unit}"
    rivals = {_other(row, best): _seen_from(row, best) for row in apart if best in (row["a"], row["b"]) and not row.get("baseline")}
    found = [f"{first}{_beside(rivals, better, len(known))}."]
    beside = {row["b"]: row for row in apart if row.get("baseline") and row["a"] == best}
    if beside:
        found.append(f"{best} {'; '.join(_over(name, row, better) for name, row in beside.items())}.")
    return found


def _beside(rivals: Mapping[str, Row], better: int, encoders: int) -> str:
    if not rivals:
        return ""
    told = {name: row for name, row in rivals.items() if row["p_holm"] < ALPHA and better * row["value"] > 0}
    same = [name for name in rivals if name not in told]
    parts = [f"better than {name} by {signed(row)}" for name, row in told.items()]
    said = f", the best of {encoders}"
    if parts:
        said += f": {'; '.join(parts)}"
    if same:
        said += f"{';' if parts else ', but'} no difference from {_listed(same)} could be shown"
    return said


def _over(name: str, row: Row, better: int) -> str:
    word = "better" if better * row["value"] > 0 else "worse"
    if row["p_holm"] < ALPHA:
        return f"is {word} than {name}: {signed(row)}"
    if row["p"] < ALPHA:
        return f"is {word} than {name} by itself, {signed(row)}, but not once all comparisons with baselines are counted (p {row['p_holm']:.2f})"
    return f"cannot be told from {name}: {signed(row)}"


def _other(row: Row, name: str) -> str:
    return str(row["b"] if row["a"] == name else row["a"])


def _seen_from(row: Row, name: str) -> Row:
    """``row`` as ``name`` less the other."""
    if row["a"] == name:
        return row
    return {**row, "value": -row["value"], "low": -row["high"], "high": -row["low"]}


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
