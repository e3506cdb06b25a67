"""The command line in processes of its own, wherever the working folder is."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.reliability import zygote

ROOT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-W", "ignore", "-m", "vesalius.cli"]


def environment(folder: Path, **more: str) -> dict[str, str]:
    """The environment with this source tree, and runs and cache below ``folder``."""
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT / "src"), str(ROOT), os.environ.get("PYTHONPATH", "")])),
        "VESALIUS_RUNS": str(folder / "runs"),
        "VESALIUS_CACHE": str(folder / "cache"),
        "OMP_NUM_THREADS": "1",
        **more,
    }


def vesalius(folder: Path, *words: object, **more: str) -> subprocess.CompletedProcess[str]:
    """``vesalius WORDS`` in ``folder``, to its end."""
    return zygote.run("vesalius.cli", *words, cwd=folder, env=environment(folder, **more))


def known_key(folder: Path) -> None:
    """Give the cache below ``folder`` a key that is always the same, so that ids, and with them every drawn number, are too.

    Where two ranks are compared with one, a ReLU within rounding of zero may open on one side only; with other numbers every time
    a test would meet that once in a while.
    """
    (folder / "cache").mkdir(parents=True, exist_ok=True)
    (folder / "cache" / "key").write_bytes(bytes(range(32)))
