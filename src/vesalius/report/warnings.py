"""Everything the runs warn of, in one place."""

from __future__ import annotations

from collections.abc import Sequence

from vesalius.report.reading import RunRecord
from vesalius.report.section import Block, Section, by_run
from vesalius.report.wording import count

_MOST = 100


def section(runs: Sequence[RunRecord]) -> Section:
    """The warnings of each run; a run without any says so."""
    return by_run("warnings", "Warnings", [_block(run) for run in runs])


def _block(run: RunRecord) -> Block:
    if not run.warnings:
        return Block(run, reason=run.reason("warnings", "The run gave no warning."))
    more = len(run.warnings) - _MOST
    said = list(run.warnings[:_MOST])
    return Block(run, parts={"warnings": [*said, f"and {count(more)} more"] if more > 0 else said})
