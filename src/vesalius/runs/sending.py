"""One tracker of one run: what it has, what it has not got yet, and what failed."""

from __future__ import annotations

import json
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from vesalius.files import checksum
from vesalius.runs.run import Run
from vesalius.runs.tracker import (
    MANIFEST,
    Tracker,
    flat,
    model_files,
    needed_to_go_on,
    newest_step,
    points_of,
    results_of,
    shown_config,
)

_BATCH = 500
_LONGEST = 60.0
RECOVERY, MODEL_PLACE = "recovery", "encoder"
"""Where a tracker keeps what another machine goes on from, and the encoder with what stands on it."""


class Sender:
    """Sends to one tracker what it has not got; an exception of it is remembered and tried again, later each time."""

    def __init__(self, name: str, tracker: Tracker, run: Run, say: Callable[[str], None]) -> None:
        self.name, self.tracker, self.run, self.say = name, tracker, run, say
        self.alive = time.monotonic()
        self.failure = ""
        """What failed last, in a few words."""
        self._begun = self._warned = False
        self._sent: dict[str, int] = {}
        self._noticed = 0
        self._left: list[str] = []
        self._again = self._pause = 0.0
        self._seen: tuple[int, int] | None = None
        self._rows: list[dict[str, Any]] = []
        self._offered: tuple[str, Path] | None = None
        self._guard = threading.Lock()

    def offer(self, step: str, stage: Path) -> None:
        """``stage`` holds the files of checkpoint ``step``; one that was offered before and not sent is given up."""
        with self._guard:
            before, self._offered = self._offered, (step, stage)
        if before is not None:
            shutil.rmtree(before[1], ignore_errors=True)

    def go(self, ends: bool) -> None:
        """Send what there is, now or, after a failure, when it is time again; ``ends``: now, and everything."""
        self.alive = time.monotonic()
        if not ends and self.alive < self._again:
            return
        try:
            self._left = ["results and files"] if ends else self._left
            self._follow()
            if ends:
                self._finish()
            self._pause = 0.0
        except Exception as error:  # whatever a tracker's library raises: the run goes on
            self._pause = min(_LONGEST, max(2.0, 2 * self._pause))
            self._again = time.monotonic() + self._pause
            self._warn(error)
        self.alive = time.monotonic()

    def missing(self) -> list[str]:
        """What the tracker has not got."""
        if not self._begun:
            return ["everything"]
        points = sum(p.step > self._sent.get(p.key, -1) for p in points_of(self._fresh(), 0.0))
        return [*([f"{points:,} numbers"] if points else []), *self._left]

    def _follow(self) -> None:
        if not self._begun:
            facts = dict(self.tracker.begin(flat(shown_config(self.run)[0])))
            self._sent = dict(self.tracker.last_steps())
            if facts:
                self.run.record(tracked={**self.run.facts().get("tracked", {}), self.name: facts})
            self._begun = True
            if "run_id" in facts:
                self.say(f"{self.name} calls this run {facts['run_id']}: --run_recovery_id {facts['run_id']} goes on with it.")
        rows, now = self._fresh(), time.time()
        new = [p for p in points_of(rows, now) if p.step > self._sent.get(p.key, -1)]
        new = list({(p.key, p.step): p for p in new}.values())
        for start in range(0, len(new), _BATCH):
            batch = new[start : start + _BATCH]
            self.tracker.points(batch)
            self.alive = time.monotonic()
            for point in batch:
                self._sent[point.key] = max(point.step, self._sent.get(point.key, -1))
        notices = [row for row in rows if row.get("kind") == "notice"]
        for row in notices[self._noticed :]:
            self.tracker.notice(int(row.get("step", 0)), str(row.get("text", "")))
            self._noticed += 1
        with self._guard:
            offered = self._offered
        if offered is not None:
            step, stage = offered
            self._recovery(step, {p.relative_to(stage).as_posix(): p for p in sorted(stage.rglob("*")) if p.is_file()})
            with self._guard:
                if self._offered == offered:
                    self._offered = None
            shutil.rmtree(stage, ignore_errors=True)

    def _finish(self) -> None:
        """Results, files and state. What is still to be done when something fails stays listed."""
        state, step = str(self.run.facts()["state"]), newest_step(self.run)
        continues = self.tracker.checkpoints != "never" and step is not None
        files = {name: self.run.path / name for name in ("metrics.jsonl", "results.json", "left_out.json")}
        files |= {"report.html": self.run.path / "report.html"} if self.tracker.report else {}
        files = {name: file for name, file in files.items() if file.is_file()}
        model = model_files(self.run)
        self._left = [*files, *model, *(["the last checkpoint"] if continues else []), "the run's end"]
        results = [p for p in results_of(self.run, self._last_step(), time.time()) if p.step > self._sent.get(p.key, -1)]
        if results:
            self.tracker.points(results)
            self._sent |= {p.key: p.step for p in results}
        if model:
            self._folder(MODEL_PLACE, model)
            self._left = [name for name in self._left if name not in model]
        for name, file in files.items():
            self._put(file, name)
            self._left.remove(name)
        if continues:
            assert step is not None
            self._recovery(step, needed_to_go_on(self.run, step))
            self._left.remove("the last checkpoint")
        self.tracker.end(state)
        self._left = []

    def _recovery(self, step: str, files: Mapping[str, Path]) -> None:
        """Send the files of a checkpoint, with the configuration less the places of data; older ones are deleted."""
        with tempfile.TemporaryDirectory() as folder:
            config = Path(folder) / "config.yaml"
            config.write_text(shown_config(self.run)[1], encoding="utf-8")
            self._folder(f"{RECOVERY}/{step}", {"config.yaml": config, **files})
        self.tracker.forget(RECOVERY, step)

    def _folder(self, place: str, files: Mapping[str, Path]) -> None:
        """Send ``files`` by name into ``place``, and last what says that it is whole."""
        for name, file in files.items():
            self._put(file, f"{place}/{name}")
        with tempfile.TemporaryDirectory() as folder:
            manifest = Path(folder) / MANIFEST
            manifest.write_text(json.dumps({name: checksum(file) for name, file in files.items()}, indent=1))
            self._put(manifest, f"{place}/{MANIFEST}")

    def _put(self, file: Path, place: str) -> None:
        self.tracker.file(file, place)
        self.alive = time.monotonic()

    def _last_step(self) -> int:
        return max((int(row.get("step", 0)) for row in self._fresh()), default=0)

    def _fresh(self) -> list[dict[str, Any]]:
        """The rows of ``metrics.jsonl``, read again only where the file has changed."""
        file = self.run.path / "metrics.jsonl"
        if not file.is_file():
            return []
        facts = file.stat()
        if (seen := (facts.st_mtime_ns, facts.st_size)) != self._seen:
            self._rows, self._seen = self.run.metrics(), seen
        return self._rows

    def _warn(self, error: Exception) -> None:
        self.failure = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
        if self._warned:
            return
        self._warned = True
        self.say(f"{self.name} failed ({self.failure}). The run goes on, and what is missing is sent again later.")
        self.run.log(f"tracking: {self.name} failed ({type(error).__name__}); tried again later")
