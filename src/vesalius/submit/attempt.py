"""One attempt at a line: begun where its run is not there yet, gone on with where it is.

``python -m vesalius.submit.attempt RUN -- VERB ...`` is what every process of a job runs: the first time, and again after
each interruption.
"""

from __future__ import annotations

import runpy
import sys
from collections.abc import Sequence
from pathlib import Path


def words(line: Sequence[str], run: Path | None) -> list[str]:
    """The command line of this attempt at ``line``, whose run is to lie in ``run``; None for what makes no run to go on with."""
    if run is None:
        return list(line)
    if (run / "run.json").is_file():
        return [line[0], "--resume", str(run)]
    return [*line, "--out", str(run)]


def attempt(line: Sequence[str], run: Path | None) -> int:
    """``vesalius LINE`` in this process, so that it hears the scheduler's signals itself; returns the exit code."""
    before = sys.argv
    sys.argv = ["vesalius", *words(line, run)]
    try:
        runpy.run_module("vesalius.cli", run_name="__main__", alter_sys=True)
    except SystemExit as left:
        return int(left.code or 0)
    finally:
        sys.argv = before
    return 0


if __name__ == "__main__":
    where, _, *given = sys.argv[1:]
    sys.exit(attempt(given, Path(where)))
