"""A run: one directory that holds everything a command did."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from vesalius.errors import NonFinite, Preempted, UserError, VesaliusError
from vesalius.files import atomic_write, naming_failures
from vesalius.runs import content, named_files
from vesalius.runs.circumstances import hardware, versions
from vesalius.runs.commented import commented

STATES = ("running", "done", "failed", "preempted", "stopped")
FIGURES = "figures"
"""The folder of a run that holds its pictures."""


class _Dumper(yaml.SafeDumper):
    """Quotes what YAML 1.2 would take for a number too, so that readers of 1.1 and 1.2 agree."""


_Dumper.add_implicit_resolver("!number", re.compile(r"^[-+]?(\.\d+|\d+(\.\d*)?)([eE][-+]?\d+)?$|^0o[0-7]+$"), list("-+.0123456789"))


def home() -> Path:
    """Where runs live: ``VESALIUS_RUNS``, or ``./runs``."""
    return Path(os.environ.get("VESALIUS_RUNS", "runs"))


class Run:
    """One run directory. ``Run.create`` starts one, ``Run.open`` reads or continues one."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.on_save: list[Callable[[], None]] = []
        """Called after each checkpoint, while nothing else is written."""
        self._recording = threading.Lock()

    @classmethod
    def create(
        cls, verb: str, name: str, config: Mapping[str, Any], out: Path | None = None, *, origins: Mapping[str, str] | None = None, **record: Any
    ) -> Run:
        """A new directory, ``out`` or ``home()/<time>-<verb>-<name>``. Raises UserError where ``out`` holds a run. It is found by
        its id and as ``latest`` from ``home()`` too, unless it is a part of another run, in whose folder it lies.

        ``origins``: where fields of ``config`` were said, by dotted name, for the comments of ``config.yaml``.
        """
        stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
        slug = "".join(c if c.isalnum() or c in "-_" else "-" for c in name)[:60]
        if out is not None:
            path = refuse_taken(out)
            with naming_failures(path):
                path.mkdir(parents=True, exist_ok=True)
        else:
            path = _new_folder(home() / f"{stamp}-{verb}-{slug}")
        run = cls(path)
        text = yaml.dump(dict(config), Dumper=_Dumper, sort_keys=False, allow_unicode=True)
        said, named = commented(text, origins or {}), named_files.digests(config)
        run.write_text("config.yaml", said)
        run.record(
            id=f"{stamp}-{os.urandom(3).hex()}",
            name=name,
            verb=verb,
            state="running",
            started=_now(),
            finished=None,
            git=_git_commit(),
            versions=versions(),
            hardware=hardware(),
            config_sha256=hashlib.sha256(said.encode()).hexdigest(),
            process=os.getpid(),
            **({"files": named} if named else {}),
            **record,
        )
        if out is not None and path.resolve().parent != home().resolve() and not _is_part(path):
            home().mkdir(parents=True, exist_ok=True)
            atomic_write(home() / f"{run.facts()['id']}.path", str(path.resolve()) + "\n")
        return run

    @classmethod
    def open(cls, path: Path) -> Run:
        """The run in ``path``. Raises UserError where there is none."""
        if not (path / "run.json").is_file():
            raise UserError(f"{path} is not a run directory: it holds no run.json. `vesalius runs list` shows the runs.")
        return cls(path)

    def facts(self) -> dict[str, Any]:
        """What ``run.json`` says."""
        facts: dict[str, Any] = json.loads((self.path / "run.json").read_text())
        return facts

    def config(self) -> dict[str, Any]:
        """The resolved configuration."""
        config: dict[str, Any] = yaml.safe_load((self.path / "config.yaml").read_text())
        return config

    def record(self, **facts: Any) -> None:
        """Add ``facts`` to ``run.json``."""
        with self._recording:  # a tracker's thread records too
            known = self.facts() if (self.path / "run.json").exists() else {}
            self.write_json("run.json", {**known, **facts})

    def saved(self) -> None:
        """A checkpoint was written: tell those who follow."""
        for call in self.on_save:
            call()

    def finish(self, state: str) -> None:
        """End the run in ``state``, one of STATES; of one that is done digests of what it made are kept, which a repetition is held against."""
        if state not in STATES:
            raise ValueError(state)
        if state == "done":
            self.write_json(content.FILE, content.digests(self.path))
        self.record(state=state, finished=_now())

    def note_end(self, error: BaseException) -> None:
        """Why the run ended, as far as there is room to write it down."""
        with suppress(OSError, VesaliusError):
            self.log(f"ended: {type(error).__name__}")
            self.finish("preempted" if isinstance(error, Preempted) else "stopped" if isinstance(error, NonFinite) else "failed")

    def write_text(self, name: str, text: str) -> None:
        """Write a file of the run, whole or not at all."""
        atomic_write(self.path / name, text)

    def write_json(self, name: str, value: Any) -> None:
        """Write ``value`` as JSON; NaN and infinities become null."""
        self.write_text(name, json.dumps(_plain(value), indent=1, ensure_ascii=False) + "\n")

    def log(self, line: str) -> None:
        """Add a line to ``log.txt``: ids only, no path of the user's data."""
        with naming_failures(self.path / "log.txt"), (self.path / "log.txt").open("a") as file:
            file.write(f"{_now()} {line}\n")

    # ---- metrics.jsonl

    def measure(self, rows: list[dict[str, Any]]) -> None:
        """Append ``rows`` to ``metrics.jsonl``."""
        if not rows:
            return
        text = "".join(json.dumps(_plain(row)) + "\n" for row in rows)
        place = self.path / "metrics.jsonl"
        with naming_failures(place), place.open("a") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())

    def metrics(self) -> list[dict[str, Any]]:
        """The rows of ``metrics.jsonl``; a last line cut by a kill is left out."""
        file = self.path / "metrics.jsonl"
        rows = []
        for line in file.read_text().splitlines() if file.exists() else []:
            try:
                rows.append(json.loads(line))
            except ValueError:
                break
        return rows

    def cut_metrics(self, step: int) -> None:
        """Forget the rows after ``step``: a resumed run writes them again."""
        kept = [row for row in self.metrics() if row.get("step", 0) <= step]
        self.write_text("metrics.jsonl", "".join(json.dumps(row) + "\n" for row in kept))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def refuse_taken(path: Path) -> Path:
    """``path``. Raises UserError where it holds a run already, or is no folder."""
    if (path / "run.json").exists():
        raise UserError(f"{path} already holds a run. Continue it with --resume {path}, or name another folder with --out.")
    if path.exists() and not path.is_dir():
        raise UserError(f"{path} is a file. Name a folder with --out.")
    return path


def _is_part(path: Path) -> bool:
    """Whether ``path`` lies in another run's folder: then ``latest`` means that one, and its parts are named by their folders."""
    return any((above / "run.json").is_file() for above in path.resolve().parents)


def _new_folder(path: Path) -> Path:
    """``path``, or with a number behind it: of two processes that start in one second each gets its own."""
    candidate, n = path, 2
    while True:
        with naming_failures(candidate):
            candidate.parent.mkdir(parents=True, exist_ok=True)
            try:
                candidate.mkdir()
            except FileExistsError:
                candidate, n = path.with_name(f"{path.name}-{n}"), n + 1
            else:
                return candidate


def _plain(value: Any) -> Any:
    """JSON has no NaN: unknown is null."""
    if isinstance(value, float):
        return value if value == value and abs(value) != float("inf") else None
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    return value


def _git_commit() -> str | None:
    try:
        found = subprocess.run(
            ["git", "rev-parse", "HEAD"],  # noqa: S607
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            timeout=5,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return found.stdout.strip() or None if found.returncode == 0 else None
