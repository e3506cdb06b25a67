"""Which checkpoint each criterion would take, with labels and without, what that costs, and whether they agree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from vesalius.report.kinds import kind
from vesalius.report.reading import RunRecord
from vesalius.report.section import Block, Section, by_run
from vesalius.report.values import mapping, number, records, text
from vesalius.report.wording import count, difference, figure, score, title

_CHOICES = (("chosen_by_labels", "By labels"), ("chosen_by_rankme", "By RankMe"), ("last", "Last"))


def section(runs: Sequence[RunRecord]) -> Section:
    """The choices of each run."""
    return by_run("checkpoints", "Checkpoints", [_block(run) for run in runs])


def _block(run: RunRecord) -> Block:
    found = run.block("checkpoints")
    given = records(found.get("criteria"))
    yardstick = text(mapping(found.get("yardstick")).get("metric"))
    # a run of a verb that chooses by one measure names its choices one by one
    rows = [_row(choice, yardstick) for choice in (*given, mapping(found.get("last"))) if choice] if given else []
    named = _CHOICES if kind(run) == "pretrain" else (("chosen_by_labels", "Best on validation"), ("last", "Last"))
    rows = rows or [_row({**choice, "name": name}, "") for key, name in named if (choice := mapping(found.get(key)))]
    if not rows:
        return Block(run, reason=run.reason("checkpoints", "The run compared no checkpoints."))
    agree = found.get("agree")
    handed = text(mapping(found.get("exported")).get("name"))
    head = ["Checkpoint", "Step", "Chosen by"]
    if yardstick:
        head += [f"{_name(yardstick)} there", "Lost against the best by labels"]
    return Block(
        run,
        parts={
            "head": head,
            "rows": [row[: len(head)] for row in rows],
            "agree": agree if isinstance(agree, bool) else None,
            "sentence": text(found.get("sentence")),
            "exported": f"The run hands over {handed}." if handed else "",
        },
    )


def _row(choice: Mapping[str, Any], yardstick: str) -> Sequence[str]:
    metric, value = text(choice.get("metric")), number(choice.get("value"))
    short = metric.rpartition("/")[2]
    by = "–" if value is None else f"{_name(metric)} {score(value, short)}" if metric else figure(value)
    judged = yardstick.rpartition("/")[2]
    there, loss = number(choice.get("labelled")), number(choice.get("loss"))
    return [
        text(choice.get("name")),
        count(number(choice.get("step"))),
        by,
        score(there, judged),
        # what is lost is shown as it is lost: with a minus
        difference(None if loss is None else -loss, judged),
    ]


def _name(metric: str) -> str:
    """``knn/accuracy`` to ``Accuracy (knn)``."""
    monitor, _, short = metric.rpartition("/")
    return f"{title(short)} ({monitor.rpartition('/')[2]})" if monitor else title(short)
