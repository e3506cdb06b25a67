"""What the run cost: time by stage, speed, memory, share of waiting."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from vesalius.report.kinds import kind
from vesalius.report.reading import RunRecord
from vesalius.report.section import Block, Section, by_run
from vesalius.report.values import mapping, number, text
from vesalius.report.wording import count, duration, figure, large, memory, share

_STAGES = {
    "decode": "reading images",
    "train": "training",
    "monitor": "monitors",
    "examine": "examination",
    "save": "checkpoints",
    "features": "features",
}


def _rate(value: float | None) -> str:
    return count(value) if value is None or value >= 10 else figure(value)


_ROWS: Sequence[tuple[str, str, Callable[[float | None], str]]] = (
    ("images_per_second", "Images per second", _rate),
    ("seconds", "Time in all", duration),
    ("steps", "Steps", count),
    ("epochs", "Epochs", figure),
    ("parameters", "Parameters", large),
    ("flops_per_image", "Operations per image", large),
    ("peak_memory_mb", "Peak memory", memory),
    ("wait_share", "Time waiting for data", share),
)


def section(runs: Sequence[RunRecord]) -> Section:
    """A table with one column for each run, and a bar of the time by stage."""
    blocks = [_block(run) for run in runs]
    heads = [run.label for run in runs]
    found = [run.block("cost") for run in runs]
    known = [(name, show, [_value(run, key) for run in runs]) for key, name, show in _ROWS]
    rows = [[name, *map(show, values)] for name, show, values in known if any(value is not None for value in values)]
    if all(run.samples == "patches" for run in runs):
        rows = [[name.replace("Images", "Patches").replace("image", "patch"), *rest] for name, *rest in rows]
    where = [_where(cost) for cost in found]
    if len(runs) > 1:
        rows.append(["On", *(said or "–" for said in where)])
    return by_run("cost", "Cost", blocks, heads=heads if len(runs) > 1 else [], rows=rows, where=where[0])


def seconds(run: RunRecord) -> float | None:
    """Time in all; of a fine-tuning with what came before and after the training, which may be all there was."""
    cost = run.block("cost")
    total = number(cost.get("seconds"))
    if kind(run) == "pretrain" or total is None:
        return total
    return max(total, sum(number(v) or 0.0 for v in mapping(cost.get("time_by_stage")).values()))


def _value(run: RunRecord, key: str) -> float | None:
    """What is known of ``key``; nothing is said of steps where there were none."""
    cost = run.block("cost")
    if key in ("images_per_second", "steps", "epochs", "wait_share") and number(cost.get("steps")) == 0:
        return None
    return seconds(run) if key == "seconds" else number(cost.get(key))


def _where(cost: Mapping[str, Any]) -> str:
    """``cpu, 2 threads, bfloat16``."""
    threads = number(cost.get("threads"))
    said = f"{count(threads)} thread{'s' if threads != 1 else ''}" if threads else ""
    return ", ".join(filter(None, [text(cost.get("device")), said, text(cost.get("precision"))]))


def _block(run: RunRecord) -> Block:
    cost = run.block("cost")
    if not any(text(value) for value in cost.values()) and not mapping(cost.get("time_by_stage")):
        return Block(run, reason=run.reason("cost", "The run did not record what it cost."))
    return Block(run, parts={"stages": _stages(cost)})


def _stages(cost: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    times = {name: number(seconds) for name, seconds in mapping(cost.get("time_by_stage")).items()}
    kept = {text(name): seconds for name, seconds in times.items() if seconds is not None and seconds > 1e-6}
    total = sum(kept.values())
    return [
        {
            "name": _STAGES.get(name, name.replace("_", " ")),
            "time": duration(seconds),
            "width": round(100 * seconds / total, 2),
            "share": share(seconds / total),
            "train": name == "train",
        }
        for name, seconds in kept.items()
    ]
