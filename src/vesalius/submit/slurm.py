"""``vesalius submit slurm``: a line as a Slurm job, by submitit; saved and put back in the queue when it is interrupted.

One task per GPU: srun starts, watches and signals every rank itself, so there is no second launcher between the
scheduler and the loop that must hear its signal.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from vesalius.errors import UserError
from vesalius.runs import home, refuse_taken
from vesalius.submit.durations import seconds
from vesalius.submit.task import Task
from vesalius.submit.verb_line import Parse, VerbLine, checked
from vesalius.terminal import Terminal

_OURS = ("signal", "output", "error", "open-mode", "requeue", "nodes", "ntasks-per-node", "time", "job-name")
"""What sbatch is told by the job itself."""


@dataclass(frozen=True)
class Resources:
    """What is asked of Slurm. ``time``: the longest a job runs before it is saved and queued again. ``memory``: GB per node.

    ``notice``: seconds before the time limit at which the job is told to save. ``restarts``: how often a job at its time
    limit goes back in the queue; pre-emptions do not count. ``more``: any option of sbatch.
    """

    partition: str | None = None
    time: str = "24h"
    nodes: int = 1
    gpus: int = 0
    processes: int | None = None
    cpus: int | None = None
    memory: float | None = None
    account: str | None = None
    qos: str | None = None
    comment: str | None = None
    setup: Sequence[str] = ()
    notice: int = 120
    restarts: int = 20
    more: Mapping[str, str | bool] = field(default_factory=dict)

    @property
    def per_node(self) -> int:
        """Processes of a node."""
        return self.processes or max(1, self.gpus)

    @property
    def world(self) -> int:
        """Processes of the job."""
        return self.nodes * self.per_node

    def checked(self, line: VerbLine) -> Resources:
        """Itself. Raises UserError where the numbers do not fit each other or ``line``."""
        if min(self.nodes, self.per_node, self.notice) < 1 or min(self.gpus, self.restarts) < 0:
            raise UserError("--nodes, --processes and --notice are at least 1, --gpus and --restarts at least 0.")
        if self.world > 1 and not line.trains:
            raise UserError(f"{line.verb} is one process: leave --nodes, --processes and --gpus above 1 out.")
        if self.processes and self.gpus and self.processes != self.gpus:
            raise UserError(f"--processes {self.processes} and --gpus {self.gpus} per node differ: each process has one GPU. Leave --processes out.")
        if seconds(self.time, "--time") <= self.notice:
            raise UserError(f"--time {self.time} is not longer than the {self.notice} s (--notice) that a job has to save in.")
        return self

    def of_sbatch(self, title: str) -> dict[str, Any]:
        """As submitit's parameters of the sbatch script."""
        given = {
            "job_name": title,
            "partition": self.partition,
            "time": max(1, -(-seconds(self.time, "--time") // 60)),
            "nodes": self.nodes,
            "ntasks_per_node": self.per_node,
            "gpus_per_node": self.gpus or None,
            "cpus_per_task": self.cpus,
            "mem": None if self.memory is None else f"{round(self.memory * 1024)}M",
            "account": self.account,
            "qos": self.qos,
            "comment": self.comment,
            "setup": list(self.setup) or None,
            "signal_delay_s": self.notice,
            "wckey": None,  # of accounting, which many clusters do not have: submitit would set its own name
            "additional_parameters": {"requeue": True, **self.more},
            "srun_args": ["--kill-on-bad-exit=1"],  # a rank that fails ends the others, which would wait for it
        }
        return {name: value for name, value in given.items() if value is not None or name == "wckey"}


def pairs(given: Sequence[str]) -> dict[str, str | bool]:
    """``KEY=VALUE`` or ``KEY`` -> options of sbatch. Raises UserError for one that the job sets itself."""
    found: dict[str, str | bool] = {}
    for text in given:
        key, equals, value = text.partition("=")
        key = key.lstrip("-").replace("_", "-")
        if not key or key in _OURS:
            raise UserError(f"--slurm {text}: {key or 'nothing'} is set by the job itself. `vesalius submit slurm --help` shows how.")
        found[key] = value if equals else True
    return found


def submit(words: Sequence[str], parse: Parse, resources: Resources, *, dry_run: bool = False) -> str:
    """Hand the line ``words`` to Slurm; returns the job's id, or with ``dry_run`` the sbatch script.

    Its run lies where the line's ``--out`` says, or in a new folder below VESALIUS_RUNS; its logs and submitit's files
    beside it, in ``RUN.slurm``. Raises UserError for a line or resources that cannot be used, or where there is no Slurm.
    """
    terminal = Terminal()
    line, moved = checked(words, parse, shared=True)
    if moved:
        raise UserError(f"{', '.join(moved)}: data assets are Azure's. Give --data.root, or use `vesalius submit azureml`.")
    slurm = _slurm()
    parameters = resources.checked(line).of_sbatch(line.title)
    for sentence in line.said:
        terminal.say(sentence)
    run = _run(line)
    beside = run or home().resolve() / _stamped(line)
    folder = beside.with_name(f"{beside.name}.slurm")
    task = Task(line.words, run)
    if dry_run:
        python = slurm.shlex.quote(slurm.sys.executable)
        command = f"{python} -u -m submitit.core._submit {slurm.shlex.quote(str(folder))}"
        script: str = slurm._make_sbatch_string(command=command, folder=folder, **parameters)
        return script
    if shutil.which("sbatch") is None:
        raise UserError("There is no sbatch here: submit from a machine of the cluster. --dry-run shows the script without Slurm.")
    executor = slurm.SlurmExecutor(folder=folder, max_num_timeout=resources.restarts)
    executor.update_parameters(**parameters)
    try:
        job = executor.submit(task)
    except (slurm.utils.FailedJobError, slurm.utils.FailedSubmissionError) as error:
        raise UserError(f"Slurm did not take the job: {_said(error)}. `sinfo` shows partitions; --dry-run shows the script.") from None
    _tell(terminal, line, resources, job, run)
    return str(job.job_id)


def _slurm() -> Any:
    """submitit's module for Slurm."""
    try:
        from submitit.slurm import slurm
    except ModuleNotFoundError:
        raise UserError("Slurm needs the package submitit: pip install 'vesalius[slurm]'.") from None
    return slurm


def _stamped(line: VerbLine) -> str:
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{line.title}"


def _run(line: VerbLine) -> Path | None:
    """Where the run is to lie, known before it begins so that every attempt finds it; None for what makes none to go on with."""
    if not line.trains:
        return None
    if line.run is not None:
        return line.run.path.resolve()
    if line.out is not None:
        return refuse_taken(line.out).resolve()
    return home().resolve() / _stamped(line)


def _said(error: Exception) -> str:
    """What sbatch said, from submitit's error, in one line without a full stop."""
    cause = error.__cause__ or error.__context__
    text = cause.stderr if isinstance(cause, subprocess.CalledProcessError) and cause.stderr else str(error)
    text = text.decode(errors="replace") if isinstance(text, bytes) else text
    return " ".join(text.split()).removeprefix("sbatch: error: ").rstrip(".")


def _tell(terminal: Terminal, line: VerbLine, resources: Resources, job: Any, run: Path | None) -> None:
    of = f" of {resources.partition}" if resources.partition else ""
    many = f"{resources.nodes} node(s) × {resources.per_node} process(es)"
    terminal.say(f"Job {job.job_id} ({line.title}) is in the queue{of}: {many}, {resources.time} at a time.")
    terminal.say(f"Its log: tail -F {job.paths.stdout}    what went wrong: {job.paths.stderr}")
    shown = f"vesalius runs show {run}, once it has begun; " if run is not None else ""
    terminal.say(f"Its state: {shown}squeue -j {job.job_id}    to end it: scancel {job.job_id}")
    if run is not None:
        terminal.say(f"To save and queue it again, as a pre-emption does: scancel --signal=USR2 {job.job_id}")
