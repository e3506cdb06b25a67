"""``vesalius report``: one page about one or several runs."""

from __future__ import annotations

from pathlib import Path

from vesalius.errors import UserError
from vesalius.runs import find


def report(*runs: str | Path, out: str | Path | None = None) -> Path:
    """Write one self-contained HTML page about ``runs`` (folders, ids or ``latest``) and return its path.

    ``out``: the file; by default ``report.html`` in the only run, or ``comparison.html`` beside the first of several.
    Raises UserError without a run.
    """
    if not runs:
        raise UserError("Name at least one run: a folder, an id, or `latest`. `vesalius runs list` shows them.")
    from vesalius.report import build

    return build([find(run) for run in runs], None if out is None else Path(out))
