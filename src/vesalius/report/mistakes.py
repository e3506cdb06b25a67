"""The worst mistakes: test images the probe got wrong with the greatest confidence."""

from __future__ import annotations

from collections.abc import Sequence

from vesalius.report.examples import Examples, item_index
from vesalius.report.kinds import kind
from vesalius.report.reading import RunRecord
from vesalius.report.section import Block, Section, by_run
from vesalius.report.values import number, records, whole
from vesalius.report.wording import share

_MOST = 24


def section(read: Sequence[tuple[RunRecord, Examples | str]]) -> Section:
    """Cards of thumbnail, label, prediction and confidence for each run."""
    who = "probe" if any(kind(run) == "pretrain" for run, _ in read) else "model"
    return by_run("mistakes", "Worst mistakes", [_block(run, examples) for run, examples in read], who=who)


def _block(run: RunRecord, examples: Examples | str) -> Block:
    if isinstance(examples, str):
        return Block(run, reason=run.reason("mistakes", examples))
    cards = []
    for row in records(examples.content.get("mistakes")):
        item = item_index(row.get("item"), examples)
        if item is None:
            continue
        confidence = number(row.get("confidence"))
        cards.append(
            {
                "picture": examples.thumb(item),
                "alt": examples.describe(item),
                "id": examples.items[item].id,
                "label": examples.class_name(whole(row.get("label"))),
                "prediction": examples.class_name(whole(row.get("prediction"))),
                "confidence": share(confidence),
                "bar": None if confidence is None else round(100 * min(1.0, max(0.0, confidence)), 1),
                "order": confidence or 0.0,
            }
        )
    if not cards:
        return Block(run, reason=run.reason("mistakes", "The run kept no mistakes: none was made or looked for."))
    cards.sort(key=lambda card: -float(str(card["order"])))
    return Block(run, parts={"cards": cards[:_MOST]})
