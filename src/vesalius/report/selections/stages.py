"""The job's stages: done, done before or left out, with the time of each."""

from __future__ import annotations

from collections.abc import Sequence

from vesalius.report.reading import RunRecord, read_json
from vesalius.report.section import Block, Section, by_run
from vesalius.report.values import mapping, number, text
from vesalius.report.wording import duration, share

_NAMES = {"train": "Train", "embed": "Embed", "select": "Select", "report": "Report"}


def section(runs: Sequence[RunRecord]) -> Section:
    """A bar and a line for each stage."""
    return by_run("job-stages", "Stages", [_block(run) for run in runs])


def _block(run: RunRecord) -> Block:
    found = {name: mapping(one) for name, one in read_json(run.path, "stages.json", {}).items()}
    if not found:
        return Block(run, reason=run.reason("job-stages", "The run holds no stages.json."))
    total = sum(number(one.get("seconds")) or 0.0 for one in found.values())
    rows = [
        {
            "name": _NAMES.get(name, name.replace("_", " ")),
            "time": duration(number(one.get("seconds"))),
            "share": share((number(one.get("seconds")) or 0.0) / total) if total and one.get("seconds") is not None else "",
            "width": round(100 * (number(one.get("seconds")) or 0.0) / total, 2) if total else 0.0,
            "state": ": ".join(filter(None, [text(one.get("state")), text(one.get("why"))])),
        }
        for name, one in found.items()
    ]
    return Block(run, parts={"rows": rows, "total": duration(total)})
