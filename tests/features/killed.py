"""``embed`` or ``predict`` in a process of its own, slowly, killed after some rows."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

_SLOWLY = """
import importlib, sys, time
from vesalius.features import resumable
resumable._PAUSE = 0.0
add = resumable.Partial.add
def slow(self, block):
    add(self, block)
    print(self.done, flush=True)
    time.sleep(0.2)
resumable.Partial.add = slow
verb = getattr(importlib.import_module("vesalius." + sys.argv[1]), sys.argv[1])
verb(sys.argv[2], sys.argv[3], out=sys.argv[4], batch_size=1, quiet=True)
"""


def killed(verb: str, source: Path, data: Path, out: Path, after: int = 5) -> None:
    """SIGKILL to ``vesalius.VERB(source, data, out=out)``, image by image, once ``after`` rows are done."""
    words = [sys.executable, "-c", _SLOWLY, verb, str(source), str(data), str(out)]
    child = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=os.environ.copy())
    assert child.stdout is not None
    while int(child.stdout.readline() or 99) < after:
        pass
    child.send_signal(signal.SIGKILL)
    child.wait()
