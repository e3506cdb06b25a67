"""Which checkpoint each criterion chose, what the labels say of it, and whether the choices agree."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from vesalius.training.monitor import Monitor, criteria

Row = Mapping[str, Any]


def checkpoints(
    rows: Sequence[Row], monitors: Sequence[Monitor], labelled: Sequence[str], exported: str
) -> dict[str, Any]:
    """The part "checkpoints" of ``results.json`` from the run's metrics; empty where no monitor looked after step 0.

    ``labelled`` names the monitors that read labels; the nearest neighbours, else the first of them, is the yardstick by
    which every choice, and the last checkpoint, is judged. ``exported``: last, or the choice that was handed over.
    """
    looks = [row for row in rows if row.get("kind") == "monitor" and row.get("step", 0) > 0]
    if not looks:
        return {}
    judge = next((m for m in monitors if m.name == "knn"), next((m for m in monitors if m.name in labelled), None))
    found = [
        _choice(name, monitor, scalar, looks, monitor.name in labelled)
        for monitor in monitors
        for name, scalar in criteria(monitor).items()
    ]
    chosen: list[dict[str, Any]] = [choice for choice in found if choice is not None]
    last: dict[str, Any] = {"name": "last", "step": looks[-1]["step"]}
    out: dict[str, Any] = {"criteria": chosen, "last": last}
    best = next((c for c in chosen if judge is not None and c["name"] == f"best-{judge.name}"), None)
    if judge is not None and best is not None:
        key = f"monitor/{judge.name}/{judge.metric}"
        for choice in (*chosen, last):
            there = next((_number(row.get(key)) for row in looks if row["step"] == choice["step"]), None)
            choice["labelled"] = there
            choice["loss"] = None if there is None else (best["value"] - there) * (1 if judge.higher_is_better else -1)
        out["yardstick"] = out["chosen_by_labels"] = {k: best[k] for k in ("name", "step", "metric", "value")}
    by_rank = next((c for c in chosen if c["metric"] == "spread/rankme"), None)
    if by_rank is not None:
        out["chosen_by_rankme"] = {k: by_rank[k] for k in ("name", "step", "value")}
    if len(chosen) > 1:
        out["agree"] = len({choice["step"] for choice in chosen}) == 1
    if chosen:
        out["sentence"] = _sentence(chosen, last, best)
    out["exported"] = next({k: c[k] for k in ("name", "step")} for c in (*chosen, last) if c["name"] == exported)
    return out


def _choice(
    name: str, monitor: Monitor, scalar: str, looks: Sequence[Row], reads_labels: bool
) -> dict[str, Any] | None:
    """Where ``checkpoints/NAME`` was last written, and by what value."""
    row = next((row for row in reversed(looks) if name in row.get("best", ())), None)
    if row is None:
        return None
    value = _number(row.get(f"monitor/{monitor.name}/{scalar}"))
    return {
        "name": name,
        "metric": f"{monitor.name}/{scalar}",
        "by_labels": reads_labels,
        "step": row["step"],
        "value": value,
    }


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def _loss(value: float | None) -> str:
    if value is None:
        return "was not measured there"
    return f"{'loses' if value >= 0 else 'gains'} {abs(value):.3f}"


def _sentence(chosen: Sequence[Row], last: Row, best: Row | None) -> str:
    """One sentence, honest about what the yardstick is worth."""
    steps = {choice["step"] for choice in chosen}
    if best is None:
        said = ", ".join(f"{c['name']} step {c['step']}" for c in chosen)
        return (
            f"Nothing here is labelled, so that nobody can say which choice is the better: {said}, of {last['step']}."
        )
    others = [choice for choice in (*chosen, last) if choice is not best]
    if len(steps) == 1 and last["step"] in steps:
        return f"Every criterion chooses the last checkpoint, step {last['step']}; a longer run might give more."
    said = ", ".join(f"{c['name']} (step {c['step']}) {_loss(c['loss'])}" for c in others)
    return (
        f"Against the best by labels ({best['metric']} {best['value']:.3f} at step {best['step']}, chosen on these very "
        f"validation images, so that it looks a little too good), {said}."
    )
