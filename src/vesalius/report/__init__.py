"""The report: one self-contained page made from run directories alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


def build(runs: Sequence[Path | str], out: Path | None = None) -> Path:
    """Write the report of ``runs`` (run directories) as one HTML file that needs nothing else; returns its path.

    ``out`` is by default ``report.html`` in the run's directory, for several runs ``comparison.html`` in the first's.
    Raises UserError when there is no run to report.
    """
    from vesalius.report.page import build as build_page

    return build_page(runs, out)
