"""What was left out, and why: reasons and how often each was given, never which files."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence

from vesalius.report.reading import RunRecord
from vesalius.report.section import Block, Section, by_run
from vesalius.report.values import number, text
from vesalius.report.wording import count

_MOST = 20


def section(runs: Sequence[RunRecord]) -> Section:
    """A list of reasons for each run; a run that read everything says so."""
    return by_run("left-out", "Left out", [_block(run) for run in runs])


def lines(run: RunRecord) -> list[str]:
    """``12 images: truncated file``, the most frequent reason first; empty where nothing was left out."""
    found = reasons(run).most_common()
    said = [f"{count(n)} image{'s' if n != 1 else ''}: {reason}" for reason, n in found[:_MOST]]
    rest = sum(n for _, n in found[_MOST:])
    return [*said, f"{count(rest)} more, each for its own reason"] if rest else said


def reasons(run: RunRecord) -> Counter[str]:
    """How often each reason stands in ``left_out.json``."""
    try:
        rows = json.loads((run.path / "left_out.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return Counter()
    rows = rows if isinstance(rows, list) else []
    return Counter(text(row.get("reason")) or "no reason is known" for row in rows if isinstance(row, Mapping))


def _block(run: RunRecord) -> Block:
    said = lines(run)
    if said:
        return Block(run, parts={"lines": said})
    lost = number(run.results.get("left_out"))
    if lost:
        return Block(run, reason=f"{count(lost)} images were left out, and left_out.json does not say why.")
    return Block(run, reason=run.reason("left-out", "Every image could be read."))
