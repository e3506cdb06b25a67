"""What each protocol chose on validation for each encoder and data set: strength, neighbours, step, layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from vesalius.report.grid import part, protocols
from vesalius.report.reading import RunRecord
from vesalius.report.section import Block, Section, by_run
from vesalius.report.values import number, records, text, texts
from vesalius.report.wording import figure

_NAMED = ("encoder", "data")
_ESTIMATED = ("invariance", "multiview-invariance", "perceptual-distance")
"""Protocols that choose nothing: what they tell of their estimates stands with their numbers."""


def present(run: RunRecord) -> bool:
    """Whether a protocol of ``run`` chose anything."""
    return any(records(part(run.results, name).get("chosen")) for name in protocols(run.results) if name not in _ESTIMATED)


def section(runs: Sequence[RunRecord]) -> Section:
    """A table for each protocol."""
    return by_run("chosen", "What was chosen", [_block(run) for run in runs])


def _block(run: RunRecord) -> Block:
    wanted = [name for name in protocols(run.results) if name not in _ESTIMATED]
    made = [_table(name, rows) for name in wanted if (rows := records(part(run.results, name).get("chosen")))]
    return Block(run, parts={"tables": made}) if made else Block(run, reason=run.reason("chosen", "No protocol of the evaluation chooses anything."))


def _table(name: str, rows: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """A column for each thing that was chosen; what is the same in every row is said once."""
    keys = list(dict.fromkeys(key for row in rows for key in row if key not in _NAMED))
    values = {key: [_shown(row.get(key)) for row in rows] for key in keys}
    same = [key for key in keys if len(rows) > 1 and len(set(values[key])) == 1]
    differ = [key for key in keys if key not in same]
    lines = [[text(row.get("encoder")), text(row.get("data")), *(values[key][place] for key in differ)] for place, row in enumerate(rows)]
    return {
        "name": name,
        "same": ", ".join(f"{_words(key)}: {values[key][0]}" for key in same),
        "heads": ["Encoder", "Data", *map(_words, differ)],
        "rows": lines if differ else [],
    }


def _words(key: str) -> str:
    words = key.replace("_", " ")
    return words[:1].upper() + words[1:]


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(_shown(one) for one in value[:8]) + (" …" if len(value) > 8 else "")
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_shown(one)}" for key, one in list(value.items())[:8])
    known = number(value)
    return figure(known) if known is not None else (texts(value) or ["–"])[0]
