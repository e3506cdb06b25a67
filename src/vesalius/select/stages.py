"""The stages of a job, each done once: ``stages.json`` says of each on what it depended and how long it took."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from hashlib import blake2b
from typing import Any

from vesalius.runs import Run
from vesalius.terminal import Terminal

NAMES = ("train", "embed", "select", "report")
_FILE = "stages.json"


class Stages:
    """Of one run. A stage is skipped when it is done, what it depends on is the same, and the files that it made are there.

    ``over``: the job is done, and what it left stands whatever has become of its images since.
    """

    def __init__(self, run: Run, terminal: Terminal, over: bool = False) -> None:
        self._run, self._terminal, self._over = run, terminal, over

    @property
    def known(self) -> dict[str, Any]:
        """What ``stages.json`` says: for each stage begun its state, key, seconds and facts."""
        file = self._run.path / _FILE
        found: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
        return found

    def run(self, name: str, depends: Mapping[str, Any], files: Sequence[str], work: Callable[[], Mapping[str, Any]]) -> Mapping[str, Any]:
        """The facts that ``work`` returned, now or before. ``depends``: everything that the stage's result follows from; ``files``:
        what it leaves in the run's folder. ``run.json`` says which stage is going on.
        """
        key = blake2b(json.dumps(depends, sort_keys=True, default=str).encode(), digest_size=16).hexdigest()
        before = self.known.get(name, {})
        same = self._over or before.get("key") == key
        if before.get("state") == "done" and same and all((self._run.path / file).exists() for file in files):
            self._terminal.say(f"{name}: done before.")
            kept: Mapping[str, Any] = before["facts"]
            return kept
        self._run.record(stage=name)
        self._keep(name, {"state": "running", "key": key})
        began = time.perf_counter()
        facts = dict(work())
        self._keep(name, {"state": "done", "key": key, "seconds": round(time.perf_counter() - began, 3), "facts": facts})
        return facts

    def leave_out(self, name: str, why: str) -> None:
        """``name`` is not part of this job, and why."""
        self._keep(name, {"state": "left out", "why": why})

    def _keep(self, name: str, facts: Mapping[str, Any]) -> None:
        self._run.write_json(_FILE, {**self.known, name: facts})
