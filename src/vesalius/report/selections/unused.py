"""What could not be selected: files that could not be read, and images that are there twice; by id."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from vesalius.report import left_out
from vesalius.report.reading import RunRecord
from vesalius.report.section import Block, Section, by_run
from vesalius.report.values import text
from vesalius.report.wording import count

_MOST = 200


def section(runs: Sequence[RunRecord]) -> Section:
    """Counts, with the ids to unfold."""
    return by_run("unused", "Unreadable and duplicate files", [_block(run) for run in runs])


def _block(run: RunRecord) -> Block:
    bad, twins = _rows(run, "left_out.json"), _rows(run, "duplicates.json")
    if not bad and not twins:
        return Block(run, reason=run.reason("unused", "Every image could be read, and no two are equal."))
    lists = []
    if bad:
        lines = [f"{text(row.get('id'))[:16]}: {text(row.get('reason'))}" for row in bad[:_MOST]]
        lists.append({"title": f"{count(len(bad))} could not be read", "said": left_out.lines(run), "lines": lines, "more": len(bad) - len(lines)})
    if twins:
        lines = [f"{text(row.get('id'))[:16]} is {text(row.get('of'))[:16]}" for row in twins[:_MOST]]
        said = ["The same image as another, pixel by pixel; the first by name stands for both."]
        heading = f"{count(len(twins))} {'are' if len(twins) > 1 else 'is'} there twice"
        lists.append({"title": heading, "said": said, "lines": lines, "more": len(twins) - len(lines)})
    return Block(run, parts={"lists": lists})


def _rows(run: RunRecord, name: str) -> list[Mapping[str, Any]]:
    try:
        rows = json.loads((run.path / name).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return []
    return [row for row in rows if isinstance(row, Mapping)] if isinstance(rows, list) else []
