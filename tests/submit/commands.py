"""``vesalius submit`` as a user types it, in this process."""

from __future__ import annotations

import io
from contextlib import redirect_stderr, redirect_stdout

from vesalius.cli import main


def vesalius(*words: str) -> tuple[int, str, str]:
    """``vesalius WORDS`` -> exit code, stdout, stderr."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        try:
            main(list(words))
        except SystemExit as left:
            return int(left.code or 0), out.getvalue(), err.getvalue()
    raise AssertionError("the command line always leaves")
