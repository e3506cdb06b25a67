"""What every process of a Slurm job runs: the line, in the world Slurm gave it, saved and queued again when interrupted."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from vesalius.errors import Preempted
from vesalius.submit.attempt import attempt

SIGNALS = (signal.SIGTERM, signal.SIGUSR2)
"""Slurm's own, when it pre-empts or ends a job, and the one it sends a while before the time limit."""
WAIT = 120.0
"""Seconds that a rank waits to be ended with its job after saving: one that left first could take the others with it."""


def _hear(number: int, frame: FrameType | None) -> None:
    """A signal outside of the training loop, which has a handler of its own: leave at once, what was written is whole."""
    raise Preempted("Stopped as asked before or after training; the next attempt does this part again.")


@dataclass(frozen=True)
class Task:
    """``line`` as one task of a job, its run in ``run``; submitit stores it and calls it on every rank."""

    line: tuple[str, ...]
    run: Path | None

    def __call__(self) -> None:
        """Run to the end, or leave with the verb's exit code; after a saved interruption the first rank queues the job again."""
        from submitit import JobEnvironment
        from submitit.helpers import TorchDistributedEnvironment

        # LOCAL_RANK picks the device: hiding the others from each rank would leave it one with another number
        TorchDistributedEnvironment().export(set_cuda_visible_devices=False, overwrite=True)
        engine = signal.getsignal(signal.SIGUSR2)  # submitit's: counts time limits, stores this task, asks Slurm
        for number in SIGNALS:
            signal.signal(number, _hear)
        code = attempt(self.line, self.run)
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)  # the request was heard already
        if code == Preempted.exit_code:
            _again(engine, JobEnvironment())
        if code:
            sys.exit(code)

    def checkpoint(self) -> Any:
        """What submitit is to run next time: the same, as the run itself knows how far it is."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self)


def _again(engine: Any, here: Any) -> None:
    """Back into the queue by submitit's own handler, and wait to be ended.

    Only a job that Slurm still calls running is asked for: one that somebody cancelled heard the same signal, and one that
    Slurm took off its nodes is in the queue again already.
    """
    if callable(engine) and (here.cluster != "slurm" or _state(here.job_id) == "RUNNING"):
        with suppress(subprocess.CalledProcessError, subprocess.TimeoutExpired):  # or it was, between the two questions
            engine(signal.SIGUSR2, None)
    time.sleep(WAIT)


def _state(job: str) -> str:
    """What Slurm says of ``job``."""
    words = ["squeue", "--noheader", "--jobs", job, "--format", "%T"]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)  # noqa: S603
    return done.stdout.strip()
