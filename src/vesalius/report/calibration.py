"""Calibration: how often the probe or the model is right when it says it is, say, 80 % sure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from vesalius.report.reading import RunRecord
from vesalius.report.section import Block, Section, by_run
from vesalius.report.values import mapping, number, records, text
from vesalius.report.wording import count, score, share

_SIDES = (("before", "Before temperature scaling"), ("after", "After, as the model answers"))


def section(runs: Sequence[RunRecord]) -> Section:
    """A reliability diagram for each run; of a fine-tuned one two, without its temperature and with it."""
    return by_run("calibration", "Calibration", [_block(run) for run in runs])


def _block(run: RunRecord) -> Block:
    found = mapping(run.results.get("calibration"))
    if not mapping(found.get("after")):
        panel = _panel(found, "probe")
        return Block(run, panel) if panel else Block(run, reason=run.reason("calibration", "The run measured no calibration."))
    sides = [(name, _panel(mapping(found.get(key)), "model")) for key, name in _SIDES]
    panels = [{**panel, "name": name} for name, panel in sides if panel]
    if not panels:
        return Block(run, reason=run.reason("calibration", "The run measured no calibration."))
    return Block(run, parts={"panels": panels, "note": text(found.get("note"))})


def _panel(found: Mapping[str, Any], who: str) -> dict[str, Any]:
    """A diagram of the bins in ``found``; empty where there are none."""
    bins = []
    for row in records(found.get("bins")):
        confidence, accuracy, n = (number(row.get(key)) for key in ("confidence", "accuracy", "count"))
        if confidence is not None and accuracy is not None and n:
            bins.append((min(1.0, max(0.0, confidence)), min(1.0, max(0.0, accuracy)), n))
    if not bins:
        return {}
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
    return {
        "bins": drawn,
        "ece": score(ece, "accuracy") if ece is not None else "",
        "leaning": f"On average the {who} is {leaning} ({share(abs(gap))} between confidence and accuracy).",
        "note": text(found.get("note")),
        "summary": "; ".join(str(one["said"]) for one in drawn),
        "total": count(total),
    }
