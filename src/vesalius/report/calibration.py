"""Calibration: how often the probe is right when it says it is, say, 80 % sure."""

from __future__ import annotations

from collections.abc import Sequence

from vesalius.report.reading import RunRecord
from vesalius.report.section import Block, Section, by_run
from vesalius.report.values import mapping, number, records, text
from vesalius.report.wording import count, score, share


def section(runs: Sequence[RunRecord]) -> Section:
    """A reliability diagram for each run."""
    return by_run("calibration", "Calibration", [_block(run) for run in runs])


def _block(run: RunRecord) -> Block:
    found = mapping(run.results.get("calibration"))
    bins = []
    for row in records(found.get("bins")):
        confidence, accuracy, n = (number(row.get(key)) for key in ("confidence", "accuracy", "count"))
        if confidence is not None and accuracy is not None and n:
            bins.append((min(1.0, max(0.0, confidence)), min(1.0, max(0.0, accuracy)), n))
    if not bins:
        return Block(run, reason=run.reason("calibration", "The run measured no calibration."))
    most = max(n for _, _, n in bins)
    total = sum(n for _, _, n in bins)
    ece = number(found.get("ece"))
    drawn = [
        {
            "x": round(100 * confidence, 2),
            "y": round(100 * accuracy, 2),
            "size": round(100 * n / most, 2),
            "low": round(100 * min(confidence, accuracy), 2),
            "gap": round(100 * abs(confidence - accuracy), 2),
            "over": confidence > accuracy,
            "said": f"{share(confidence)} sure, {share(accuracy)} right ({count(n)} images)",
        }
        for confidence, accuracy, n in sorted(bins)
    ]
    gap = sum(n * (confidence - accuracy) for confidence, accuracy, n in bins) / total
    leaning = (
        "surer than it should be"
        if gap > 0.005
        else "less sure than it could be"
        if gap < -0.005
        else "neither too sure nor too unsure"
    )
    return Block(
        run,
        parts={
            "bins": drawn,
            "ece": score(ece, "accuracy") if ece is not None else "",
            "leaning": f"On average the probe is {leaning} ({share(abs(gap))} between confidence and accuracy).",
            "note": text(found.get("note")),
            "summary": "; ".join(str(one["said"]) for one in drawn),
            "total": count(total),
        },
    )
