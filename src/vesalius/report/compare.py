"""Several runs against each other: differences of their examination, paired where the predictions allow it."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any, get_args

from vesalius.report import scores
from vesalius.report.probes import OWN, Difference, difference_table
from vesalius.report.reading import RunRecord
from vesalius.report.section import Section
from vesalius.report.stored import Predictions, read_predictions
from vesalius.report.values import number, text
from vesalius.report.wording import difference, is_error, probe, title

_ALL_PAIRS = 5  # of more runs each is compared with the first


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
    head = "Probe" if any(run.rows("probes") for run in runs) else "Model"
    tables = [
        difference_table([e for e in found if e.metric == metric], metric, words=("Runs", head, "How"))
        for metric in metrics
    ]
    return Section(id_, title_, parts={"tables": tables, "sentence": _sentence(found), "notes": _notes(found, runs)})


def independent_interval(a: tuple[float, float, float], b: tuple[float, float, float]) -> tuple[float, float]:
    """The interval of a minus b from each one's (value, low, high), as if they were drawn apart.

    The method of variance estimates recovery (Zou and Donner, Statistics in Medicine 2008). On one shared test set the
    two are not independent, and the interval is then wider than need be.
    """
    (va, la, ha), (vb, lb, hb) = a, b
    gap = va - vb
    return gap - ((va - la) ** 2 + (hb - vb) ** 2) ** 0.5, gap + ((ha - va) ** 2 + (vb - lb) ** 2) ** 0.5


def seeds_interval(a: Sequence[float], b: Sequence[float]) -> tuple[float, float] | None:
    """The 95 % interval of mean a minus mean b over seeds by Welch's t; None where a spread is not known."""
    if len(a) < 2 or len(b) < 2:
        return None
    shares = [statistics.variance(values) / len(values) for values in (a, b)]
    if sum(shares) == 0:
        return None
    from scipy.stats import t

    freedom = sum(shares) ** 2 / sum(share**2 / (len(values) - 1) for share, values in zip(shares, (a, b)))
    gap, half = statistics.fmean(a) - statistics.fmean(b), float(t.ppf(0.975, freedom)) * sum(shares) ** 0.5
    return gap - half, gap + half


def _pair(first: RunRecord, second: RunRecord, read: Mapping[str, Predictions | None]) -> list[Difference]:
    found = []
    for row in _own(first):
        other = next((r for r in _own(second) if _key(r) == _key(row)), None)
        value, against = number(row.get("value")), number((other or {}).get("value"))
        if other is None or value is None or against is None:
            continue
        metric = text(row.get("metric"))
        words = (f"{first.letter} − {second.letter}", probe(text(row.get("probe"))) or f"fine-tuned, {text(row.get('split'))}")
        how, bounds = _bounds(first, second, row, other, read)
        found.append(Difference((*words, how), value - against, *bounds, metric, how))
    return found


def _bounds(
    first: RunRecord, second: RunRecord, row: Mapping[str, Any], other: Mapping[str, Any], read: Mapping[str, Predictions | None]
) -> tuple[str, tuple[float | None, float | None]]:
    """How the interval of the difference of two rows was found, and the interval."""
    value, against = number(row.get("value")) or 0.0, number(other.get("value")) or 0.0
    values = [[v for v in (number(one) for one in r["values"]) if v is not None] for r in (row, other) if isinstance(r.get("values"), list)]
    if values:
        return "seeds", (seeds_interval(*values) if len(values) == 2 else None) or (None, None)
    if text(row.get("probe")) in ("linear", ""):
        split = text(row.get("split"))
        sides = [None if (one := read[run.letter]) is None else one.of(split) for run in (first, second)]
        paired = _paired(sides[0], sides[1], text(row.get("metric")), text(first.task.get("kind")), (value, against))
        if paired is not None:
            return "paired", paired
    la, ha, lb, hb = (number(r.get(key)) for r in (row, other) for key in ("low", "high"))
    if la is not None and ha is not None and lb is not None and hb is not None:
        return "unpaired", independent_interval((value, la, ha), (against, lb, hb))
    return "unpaired", (None, None)


def _own(run: RunRecord) -> list[Mapping[str, Any]]:
    """The rows of the run's own encoder or model; of scores those of the split it is judged on."""
    scored = [row for row in scores.rows(run) if text(row.get("model")) == scores.OWN]
    judged = [row for row in scored if text(row.get("split")) == text(scored[0].get("split"))]
    return [row for row in run.rows("probes") if text(row.get("encoder")) == OWN and text(row.get("metric"))] + judged


def _key(row: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(text(row.get(key)) for key in ("probe", "metric", "split", "model"))


def _paired(
    a: Predictions | None, b: Predictions | None, metric: str, kind: str, values: tuple[float, float]
) -> tuple[float, float] | None:
    """The 95 % interval of the difference over shared draws of the same samples; None where they cannot be paired."""
    import numpy as np

    from vesalius.data.task import Kind
    from vesalius.measures import bootstrap
    from vesalius.tasks import scoring

    known: Kind | None = next((one for one in get_args(Kind) if one == kind), None)
    if a is None or b is None or known is None or metric not in scoring.names(known):
        return None
    if a.answers.shape != b.answers.shape or set(a.ids) != set(b.ids) or len(set(a.ids)) != len(a.ids):
        return None
    place = {id_: n for n, id_ in enumerate(b.ids)}
    order = [place[id_] for id_ in a.ids]
    if a.labels.shape != b.labels.shape or not a.labels.nan_to_num(-1.0).equal(b.labels[order].nan_to_num(-1.0)):
        return None
    sides = (a.answers, b.answers[order])
    for side, value in zip(sides, values):
        there = float(scoring.measure(metric, known, a.labels, side)[0])
        if not abs(there - value) <= 2e-3 * (abs(value) if kind == "regression" else 1.0):
            return None  # the file holds another probe's predictions
    subject = bootstrap.groups(None if a.subjects is None else np.array(a.subjects, object), len(a.ids))
    drawn = bootstrap.replicate(
        {
            "a": lambda weights: scoring.measure(metric, known, a.labels, sides[0], weights),
            "b": lambda weights: scoring.measure(metric, known, a.labels, sides[1], weights),
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
    better, worse = (first, second) if best.verdict == "better" else (second, first)
    amount = difference(abs(best.value), best.metric)
    how = ", ".join(best.words[1:])
    stands = "ahead of" if is_error(best.metric) else "above"
    return f"The clearest difference in {title(best.metric).lower()}: {better} stands {amount} {stands} {worse} ({how})."


def _notes(found: Sequence[Difference], runs: Sequence[RunRecord]) -> list[str]:
    notes = []
    if any(entry.how == "paired" for entry in found):
        notes.append("Paired: both runs are scored on the same drawn test samples each time, from stored predictions.")
    if any(entry.how == "unpaired" for entry in found):
        notes.append(
            "Unpaired: the two intervals are joined as if the test samples had been drawn apart, because the stored "
            "predictions of both runs do not match this row. On a shared test set that interval is wider than need be."
        )
    if any(entry.how == "seeds" for entry in found):
        notes.append(
            "Seeds: the difference of the means over seeds, with Welch's interval; it knows how training varies and not how the "
            "test sample would. A run of one seed beside a repeated one has no interval."
        )
    if len(runs) > _ALL_PAIRS:
        notes.append(f"Of {len(runs)} runs each is compared with the first.")
    return notes
