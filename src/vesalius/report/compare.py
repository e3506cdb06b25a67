"""Several runs against each other: differences of their examination, paired where the predictions allow it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

from vesalius.report.probes import OWN, Difference, difference_table
from vesalius.report.reading import RunRecord
from vesalius.report.section import Section
from vesalius.report.values import mapping, number, text
from vesalius.report.wording import difference, probe, title

if TYPE_CHECKING:
    import torch

_ALL_PAIRS = 5  # of more runs each is compared with the first


@dataclass(frozen=True)
class Predictions:
    """Test predictions of a run's linear probe: ids (N,), labels (N,), probabilities (N, classes), subjects or none."""

    ids: Sequence[str]
    labels: torch.Tensor
    probabilities: torch.Tensor
    subjects: Sequence[str | None] | None


def section(runs: Sequence[RunRecord]) -> Section:
    """One table of differences for each metric that two runs share, pair by pair."""
    id_, title_ = "compare", "Runs against each other"
    pairs = list(combinations(runs, 2)) if len(runs) <= _ALL_PAIRS else [(run, runs[0]) for run in runs[1:]]
    read = {run.letter: read_predictions(run) for run in runs}
    found = [entry for first, second in pairs for entry in _pair(first, second, read)]
    if not found:
        reason = "No two runs were examined with the same probe and measure, so there is nothing to compare."
        return Section(id_, title_, reason=reason)
    metrics = list(dict.fromkeys(entry.metric for entry in found))
    tables = [
        difference_table([e for e in found if e.metric == metric], metric, words=("Runs", "Probe", "How"))
        for metric in metrics
    ]
    return Section(id_, title_, parts={"tables": tables, "sentence": _sentence(found), "notes": _notes(found, runs)})


def read_predictions(run: RunRecord) -> Predictions | None:
    """The run's ``predictions.parquet`` (columns id, label, prob_*; subject where known); None when of no use."""
    path = run.path / "predictions.parquet"
    if not path.is_file():
        return None
    import pyarrow as pa
    import torch
    from pyarrow import parquet

    try:
        table = parquet.read_table(path)
    except (pa.ArrowException, OSError):
        return None
    columns = [name for name in table.column_names if name.startswith("prob_")]
    if not {"id", "label"} <= set(table.column_names) or len(columns) < 2 or table.num_rows == 0:
        return None
    try:
        labels = torch.tensor(
            [float("nan") if v is None else float(v) for v in table["label"].to_pylist()], dtype=torch.float32
        )
        rows = [[float(v) for v in table[name].to_pylist()] for name in columns]
    except (TypeError, ValueError):
        return None
    subjects = (
        [None if v is None else str(v) for v in table["subject"].to_pylist()]
        if "subject" in table.column_names
        else None
    )
    return Predictions(
        ids=[str(v) for v in table["id"].to_pylist()],
        labels=labels,
        probabilities=torch.tensor(rows, dtype=torch.float32).T.contiguous(),
        subjects=subjects,
    )


def independent_interval(a: tuple[float, float, float], b: tuple[float, float, float]) -> tuple[float, float]:
    """The interval of a minus b from each one's (value, low, high), as if they were drawn apart.

    The method of variance estimates recovery (Zou and Donner, Statistics in Medicine 2008). On one shared test set the
    two are not independent, and the interval is then wider than need be.
    """
    (va, la, ha), (vb, lb, hb) = a, b
    gap = va - vb
    return gap - ((va - la) ** 2 + (hb - vb) ** 2) ** 0.5, gap + ((ha - va) ** 2 + (vb - lb) ** 2) ** 0.5


def _pair(first: RunRecord, second: RunRecord, read: Mapping[str, Predictions | None]) -> list[Difference]:
    found = []
    for row in _own(first):
        other = next((r for r in _own(second) if _key(r) == _key(row)), None)
        value, against = number(row.get("value")), number((other or {}).get("value"))
        if other is None or value is None or against is None:
            continue
        metric = text(row.get("metric"))
        words = (f"{first.letter} − {second.letter}", probe(text(row.get("probe"))))
        paired = None
        if text(row.get("probe")) == "linear":
            paired = _paired(read[first.letter], read[second.letter], metric, _kind(first), (value, against))
        if paired is not None:
            found.append(Difference((*words, "paired"), value - against, *paired, metric, "paired"))
            continue
        bounds = [number(r.get(key)) for r in (row, other) for key in ("low", "high")]
        la, ha, lb, hb = bounds
        low = high = None
        if la is not None and ha is not None and lb is not None and hb is not None:
            low, high = independent_interval((value, la, ha), (against, lb, hb))
        found.append(Difference((*words, "unpaired"), value - against, low, high, metric, "unpaired"))
    return found


def _own(run: RunRecord) -> list[Mapping[str, Any]]:
    return [row for row in run.rows("probes") if text(row.get("encoder")) == OWN and text(row.get("metric"))]


def _key(row: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(text(row.get(key)) for key in ("probe", "metric", "split"))


def _kind(run: RunRecord) -> str:
    return text(mapping(mapping(run.block("data").get("monitor")).get("task")).get("kind"))


def _paired(
    a: Predictions | None, b: Predictions | None, metric: str, kind: str, values: tuple[float, float]
) -> tuple[float, float] | None:
    """The 95 % interval of the difference over shared draws of the same samples; None where they cannot be paired."""
    import numpy as np

    from vesalius.measures import bootstrap, metrics

    if a is None or b is None or kind not in ("classes", "binary") or metric not in metrics.NAMES:
        return None
    if a.probabilities.shape != b.probabilities.shape or set(a.ids) != set(b.ids) or len(set(a.ids)) != len(a.ids):
        return None
    place = {id_: n for n, id_ in enumerate(b.ids)}
    order = [place[id_] for id_ in a.ids]
    if not a.labels.equal(b.labels[order]):
        return None
    sides = (a.probabilities, b.probabilities[order])
    name: metrics.Kind = "classes" if kind == "classes" else "binary"
    for side, value in zip(sides, values):
        if abs(float(metrics.measure(metric, name, a.labels, side)[0]) - value) > 2e-3:
            return None  # the file holds another probe's predictions
    subject = bootstrap.groups(None if a.subjects is None else np.array(a.subjects, object), len(a.ids))
    drawn = bootstrap.replicate(
        {
            "a": lambda weights: metrics.measure(metric, name, a.labels, sides[0], weights),
            "b": lambda weights: metrics.measure(metric, name, a.labels, sides[1], weights),
        },
        subject,
    )
    low, high = bootstrap.interval(drawn["a"] - drawn["b"])
    return (low, high) if low == low else None


def _sentence(found: Sequence[Difference]) -> str:
    """The largest difference that the interval tells from zero, in words."""
    lead = [entry for entry in found if entry.metric == found[0].metric]
    clear = [entry for entry in lead if entry.verdict in ("better", "worse")]
    if not clear:
        return f"No pair of runs is told apart in {title(found[0].metric).lower()}."
    best = max(clear, key=lambda entry: abs(entry.value))
    first, _, second = best.words[0].partition(" − ")
    better, worse = (first, second) if best.value > 0 else (second, first)
    amount = difference(abs(best.value), best.metric)
    how = ", ".join(best.words[1:])
    return f"The clearest difference in {title(best.metric).lower()}: {better} stands {amount} above {worse} ({how})."


def _notes(found: Sequence[Difference], runs: Sequence[RunRecord]) -> list[str]:
    notes = []
    if any(entry.how == "paired" for entry in found):
        notes.append("Paired: both runs are scored on the same drawn test samples each time, from stored predictions.")
    if any(entry.how == "unpaired" for entry in found):
        notes.append(
            "Unpaired: the two intervals are joined as if the test samples had been drawn apart, because the stored "
            "predictions of both runs do not match this row. On a shared test set that interval is wider than need be."
        )
    if len(runs) > _ALL_PAIRS:
        notes.append(f"Of {len(runs)} runs each is compared with the first.")
    return notes
