"""A process with everything imported, that forks one child for each command: what costs seconds is done once.

The children are processes like any other, to be killed, filled with environment and left to end; only their start is free.
"""

from __future__ import annotations

import atexit
import importlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
HARNESSES = tuple(f"tests.reliability.{name}" for name in ("harness", "finetune_harness", "parity"))
IMPORTED = (*HARNESSES, *(f"vesalius.{name}" for name in ("cli", "pretrain", "finetune", "predict")))


@cache
def _process() -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)]), "OMP_NUM_THREADS": "1"}
    words = [sys.executable, "-W", "ignore", "-m", "tests.reliability.zygote"]
    made = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment, cwd=ROOT)
    atexit.register(made.kill)
    return made


def run(module: str, *words: object, cwd: Path | None = None, env: dict[str, str] | None = None, timeout: float = 300) -> subprocess.CompletedProcess[str]:
    """What ``python -m MODULE WORDS`` gives. Raises TimeoutExpired; the child is dead then."""
    process = _process()
    assert process.stdin is not None
    assert process.stdout is not None
    with tempfile.TemporaryDirectory() as folder:
        out, err = Path(folder, "out"), Path(folder, "err")
        order = {
            "module": module, "words": [str(w) for w in words], "cwd": str(cwd or ROOT), "env": dict(env or os.environ),
            "out": str(out), "err": str(err), "timeout": timeout,
        }  # fmt: skip
        process.stdin.write(json.dumps(order) + "\n")
        process.stdin.flush()
        code = json.loads(process.stdout.readline())
        if code is None:
            raise subprocess.TimeoutExpired(f"{module} {' '.join(map(str, words))}", timeout, out.read_text(), err.read_text())
        return subprocess.CompletedProcess([module, *map(str, words)], code, out.read_text(), err.read_text())


def _child(order: dict[str, Any]) -> None:
    """Become the command."""
    os.setsid()  # with its own children it can be killed
    for descriptor, place, how in ((0, os.devnull, os.O_RDONLY), (1, order["out"], os.O_WRONLY | os.O_CREAT), (2, order["err"], os.O_WRONLY | os.O_CREAT)):
        opened = os.open(place, how, 0o600)
        os.dup2(opened, descriptor)
        os.close(opened)
    os.chdir(order["cwd"])
    os.environ.clear()
    os.environ.update(order["env"])
    sys.argv = [order["module"], *order["words"]]
    code = 1
    try:
        importlib.import_module(order["module"]).main()
        code = 0
    except SystemExit as left:
        code = left.code if isinstance(left.code, int) else int(left.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def main() -> None:
    """Take orders, one JSON line each, until there are no more."""
    answers = os.fdopen(os.dup(1), "w")
    for name in IMPORTED:
        importlib.import_module(name)
    import torch

    from vesalius import registry

    torch.set_num_threads(1)
    for method in registry.names("methods"):
        registry.entry("methods", method)
    for line in sys.stdin:
        order = json.loads(line)
        child = os.fork()
        if child == 0:
            _child(order)
        end, code = time.monotonic() + order["timeout"], None
        while code is None and time.monotonic() < end:
            done, status = os.waitpid(child, os.WNOHANG)
            if done:
                code = os.waitstatus_to_exitcode(status)
            else:
                time.sleep(0.01)
        if code is None:
            os.killpg(child, signal.SIGKILL)
            os.waitpid(child, 0)
        answers.write(json.dumps(code) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
