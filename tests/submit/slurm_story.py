"""A pretraining on a real Slurm: run, told to save, queued again, pre-empted, resumed, the end
compared with one left alone; and one that is cancelled.

    python -m tests.submit.slurm_here python -m tests.submit.slurm_story docs/proofs/slurm.md

writes the transcript, without this machine's paths and name.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import yaml

from tests.recipes.tiny import tiny
from tests.reliability.harness import compare, make_data
from tests.reliability.processes import COMMAND, ROOT, environment

STEPS = 120
SUBMIT = shlex.split("submit slurm --partition low --processes 2 --cpus 1 --time 30m --notice 60")
PATIENCE = 400.0


@dataclass
class Story:
    """``text``: the transcript so far."""

    folder: Path
    text: list[str] = field(default_factory=list)

    def say(self, sentence: str) -> None:
        """A sentence of the transcript."""
        self.text += ["", sentence, ""]

    def run(self, *words: str, shown: bool = True) -> str:
        """A command in the folder; what it said, without places of this machine."""
        real = [*COMMAND, *words[1:]] if words[0] == "vesalius" else list(words)
        done = subprocess.run(real, cwd=self.folder, env=environment(self.folder), capture_output=True, text=True, check=False, timeout=120)
        said = done.stdout + done.stderr
        assert done.returncode == 0, (words, said)
        if shown:
            self.text += ["```text", f"$ {shlex.join(words)}", *self.plain(said).strip().splitlines(), "```"]
        return said

    def plain(self, text: str) -> str:
        """``text`` without paths, names and colours of this machine."""
        for place, name in ((self.folder, "."), (ROOT, "VESALIUS"), (Path(sys.prefix), "PYTHON"), (Path.home(), "~")):
            text = text.replace(str(place), name)
        return re.sub(rf"\b{re.escape(socket.gethostname())}\b", "NODE", text)

    def log(self, job: str, wanted: str) -> str:
        """The lines of the job's logs that say ``wanted``, shown."""
        files = sorted(self.folder.glob(f"*.slurm/{job}_*_log.*"))
        lines = [line for file in files for line in file.read_text(errors="replace").splitlines() if re.search(wanted, line)]
        self.text += ["```text", *(self.plain(line) for line in lines), "```"]
        return "\n".join(lines)

    def state(self, job: str) -> str:
        """What Slurm says of ``job``."""
        return self.run("squeue", "--noheader", "--states=all", "--jobs", job, "--format", "%T", shown=False).strip()

    def until(self, job: str, what: Callable[[], object], why: str) -> None:
        """Wait for ``what`` while ``job`` has not failed."""
        end = time.monotonic() + PATIENCE
        while not what():
            state = self.state(job)
            if state in ("FAILED", "TIMEOUT") or time.monotonic() > end:
                logs = "".join(file.read_text(errors="replace")[-2000:] for file in self.folder.glob(f"*.slurm/{job}_*_log.err"))
                raise AssertionError(f"waited in vain for {why}: the job is {state}\n{logs}")
            time.sleep(0.5)


def tell(folder: Path) -> tuple[Story, list[str]]:
    """The whole of it in ``folder``; the story and what differs at the end."""
    story = Story(folder)
    data = make_data(folder / "data").relative_to(folder)
    changes = {"steps": STEPS, "checkpoint_every": {"steps": 5}, "validate_every": {"steps": 40}, "batch_size": 8}
    (folder / "recipe.yaml").write_text(yaml.safe_dump(tiny(str(data), **changes)))
    story.say("A small pretraining as two processes, left alone:")
    whole = story.run("vesalius", *SUBMIT, "--", "pretrain", "recipe.yaml", "--out", "whole").split("\n")[0]
    story.until(whole, lambda: story.state(whole) == "COMPLETED", "the run left alone")
    story.say("The same, to be interrupted:")
    job = story.run("vesalius", *SUBMIT, "--", "pretrain", "recipe.yaml", "--out", "part").split("\n")[0]
    steps = _newest(folder / "part")
    story.until(job, lambda: steps() > 0, "its first checkpoint")
    story.run("squeue", "--format", "%i %P %j %T %r")
    story.say("Told to save, as Slurm does before a time limit; it saves, and queues itself again:")
    story.run("scancel", "--signal=USR2", job)
    story.until(job, lambda: "PENDING" in story.state(job), "its return to the queue")
    told = steps()
    story.log(job, "Stopped as asked|Requeued|requeue")
    story.run("squeue", "--format", "%i %P %j %T %r")
    story.until(job, lambda: steps() > told, "its going on")
    resumed = steps()
    story.say(f"It went on after step {told}. A job of a partition that pre-empts takes both processors; Slurm sends SIGTERM:")
    asked = ["sbatch", "--partition=high", "--ntasks=2", "--time=1", "--output=/dev/null", "--wrap", "srun sleep 5"]
    story.run(*asked)
    story.until(job, lambda: "RUNNING" not in story.state(job), "its pre-emption")
    story.until(job, lambda: "PENDING" in story.state(job), "its second return to the queue")
    saved = steps()
    assert saved >= resumed
    story.log(job, f"Stopped as asked after step {saved} |Requeued")
    story.run("squeue", "--format", "%i %P %j %T %r")
    story.until(job, lambda: story.state(job) == "COMPLETED", "its end")
    story.say(f"It went on after step {saved}, to the end:")
    story.run("vesalius", "runs", "list")
    different = compare(folder / "whole", folder / "part")
    rows = [json.loads((folder / name / "metrics.jsonl").read_text().splitlines()[-1]) for name in ("whole", "part")]
    losses = [_last_loss(folder / name) for name in ("whole", "part")]
    story.say(
        f"Last loss left alone {losses[0]!r}, interrupted twice {losses[1]!r}. Weights, optimizer and every line of metrics but "
        f"times: {'equal to the last bit' if not different else 'DIFFERENT: ' + '; '.join(different)}."
    )
    assert rows[0]["step"] == rows[1]["step"] == STEPS
    story.say("A job that somebody cancels is saved too, and not queued again:")
    job = story.run("vesalius", *SUBMIT, "--", "pretrain", "recipe.yaml", "--out", "other", shown=False).split("\n")[0]
    steps = _newest(folder / "other")
    story.until(job, lambda: steps() > 0, "its first checkpoint")
    story.run("scancel", job)
    story.until(job, lambda: story.state(job) == "CANCELLED", "its end")
    assert "Requeued" not in story.log(job, "Stopped as asked|Requeued")
    story.run("squeue", "--states=all", "--jobs", job, "--format", "%i %P %j %T %r")
    return story, different


def _newest(run: Path) -> Callable[[], int]:
    def step() -> int:
        names = sorted(place.name for place in (run / "checkpoints").glob("step-*"))
        return int(names[-1].removeprefix("step-")) if names else 0

    return step


def _last_loss(run: Path) -> float:
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return float([row for row in rows if row["kind"] == "train"][-1]["loss"])


def main() -> None:
    """See the module."""
    version = subprocess.run(["sbatch", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    with tempfile.TemporaryDirectory() as place:
        story, different = tell(Path(place).resolve())
    head = [
        "# A job on Slurm: submitted, told to save, pre-empted, resumed",
        "",
        "Written by `python -m tests.submit.slurm_here python -m tests.submit.slurm_story docs/proofs/slurm.md`, which sets up a real Slurm on",
        f"one machine ({version} from Debian, two processors) and takes it down again. {datetime.now(UTC).date().isoformat()}.",
    ]
    Path(sys.argv[1]).write_text(re.sub(r"\n{3,}", "\n\n", "\n".join([*head, *story.text])) + "\n")
    print(json.dumps({"name": "slurm", "different": different, "steps": STEPS, "processes": 2, "version": version}))
    sys.exit(bool(different))


if __name__ == "__main__":
    assert os.environ.get("SLURM_CONF"), "python -m tests.submit.slurm_here python -m tests.submit.slurm_story FILE"
    main()
