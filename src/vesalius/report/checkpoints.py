"""Which checkpoint would be taken with labels and without, and whether the two agree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from vesalius.report.reading import RunRecord
from vesalius.report.section import Block, Section, by_run
from vesalius.report.values import mapping, number, text
from vesalius.report.wording import count, figure, score, title

_CHOICES = (
    ("chosen_by_labels", "Best by labels"),
    ("chosen_by_rankme", "Best by RankMe, without labels"),
    ("last", "Last"),
)


def section(runs: Sequence[RunRecord]) -> Section:
    """The choices of each run."""
    return by_run("checkpoints", "Checkpoints", [_block(run) for run in runs])


def _block(run: RunRecord) -> Block:
    found = run.block("checkpoints")
    rows = [_row(name, mapping(found.get(key)), key) for key, name in _CHOICES if mapping(found.get(key))]
    if not rows:
        return Block(run, reason=run.reason("checkpoints", "The run compared no checkpoints."))
    agree = found.get("agree")
    return Block(
        run,
        parts={
            "rows": rows,
            "agree": agree if isinstance(agree, bool) else None,
            "sentence": text(found.get("sentence")),
        },
    )


def _row(name: str, choice: Mapping[str, Any], key: str) -> Sequence[str]:
    metric = text(choice.get("metric")) or ("rankme" if key == "chosen_by_rankme" else "")
    short = metric.rpartition("/")[2]
    others = [
        f"{title(other)} {score(value, other)}"
        for other, raw in choice.items()
        if other not in ("step", "value", "epoch") and (value := number(raw)) is not None
    ]
    main = (
        [f"{title(short)} {score(number(choice.get('value')), short)}"]
        if short and number(choice.get("value")) is not None
        else []
    )
    if not short and number(choice.get("value")) is not None:
        main = [figure(number(choice.get("value")))]
    return [name, count(number(choice.get("step"))), "; ".join(main + others) or "–"]
