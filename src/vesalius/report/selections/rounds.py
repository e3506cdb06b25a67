"""The datapool: what each round looked at and selected."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from vesalius.report.reading import RunRecord
from vesalius.report.section import Block, Section, by_run
from vesalius.report.values import number, text
from vesalius.report.wording import count

_HEADS = ("Round", "When", "New images", "Selected", "Selected in all", "Encoder", "")


def section(runs: Sequence[RunRecord]) -> Section:
    """A line for each round."""
    return by_run("rounds", "Datapool", [_block(run) for run in runs])


def _block(run: RunRecord) -> Block:
    rows, total = [], 0.0
    for row in run.rows("datapool"):
        total += number(row.get("selected")) or 0.0
        rows.append(
            [
                count(number(row.get("round"))),
                _day(text(row.get("time"))),
                count(number(row.get("looked_at"))),
                count(number(row.get("selected"))),
                count(total),
                text(row.get("encoder"))[:8] or "–",
                "embedded again" if row.get("embedded_again") is True else "",
            ]
        )
    if not rows:
        return Block(run, reason=run.reason("rounds", "This selection belongs to no datapool."))
    return Block(run, parts={"heads": _HEADS, "rows": rows})


def _day(moment: str) -> str:
    try:
        when = datetime.fromisoformat(moment)
    except ValueError:
        return moment[:20]
    return f"{when.day} {when:%B %Y}"
