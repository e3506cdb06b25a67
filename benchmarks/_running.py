"""One benchmark as a process of its own, and what is kept of it: ``benchmarks/kept/NAME.json``, until the file or its words change."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import signal
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, field
from datetime import date
from importlib import metadata
from pathlib import Path
from typing import Any

from benchmarks._catalogue import HERE, Benchmark

ROOT = HERE.parent
LIMIT = 600.0
"""Seconds for each in the short form; the whole has none."""


@dataclass
class Measured:
    """What one benchmark printed; ``note`` says how it was cut short, failed, or why it could not be run here."""

    name: str
    words: list[str] = field(default_factory=list)
    lines: list[dict[str, Any]] = field(default_factory=list)
    seconds: float = 0.0
    note: str = ""
    when: str = ""
    key: str = ""

    @property
    def failed(self) -> bool:
        """Whether it ended badly or was stopped."""
        return self.note.startswith(("failed", "stopped"))

    @property
    def absent(self) -> bool:
        """Whether something that it needs is not on this machine."""
        return self.note.startswith("not run here")


def read_lines(text: str) -> list[dict[str, Any]]:
    """The JSON objects with a name among the lines of ``text``."""
    lines = []
    for line in text.splitlines():
        try:
            value = json.loads(line)
        except ValueError:
            continue
        if isinstance(value, dict) and "name" in value:
            lines.append(value)
    return lines


def measure(one: Benchmark, words: tuple[str, ...], limit: float | None, folder: Path = HERE) -> Measured:
    """Run it with ``words`` and read its JSON lines."""
    found = Measured(one.name, list(words), when=date.today().isoformat(), key=key(one, words, folder))
    if one.needs and (missing := lacking(one.needs)):
        found.note = f"not run here: {missing}"
        return found
    command = [sys.executable, "-W", "ignore", "-m", f"{folder.name}.{one.name}", *words]
    paths = os.pathsep.join([str(folder.parent), str(ROOT / "src"), str(ROOT)])
    began = time.monotonic()
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": paths},
        cwd=ROOT,
        start_new_session=True,  # what it started itself ends with it
    ) as process:
        try:
            out, err = process.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            out, err = process.communicate()
            found.note = f"stopped after {limit:.0f} s"
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    found.seconds = round(time.monotonic() - began, 1)
    found.lines = read_lines(out)
    if not found.note and process.returncode:
        found.note = f"failed: {(err.strip().splitlines() or ['no message'])[-1]}".replace(str(ROOT), ".")
    return found


def lacking(data_set: str) -> str:
    """Why ``data_set`` cannot be read here; empty where it can."""
    from vesalius.data.references import resolve
    from vesalius.errors import VesaliusError

    try:
        resolve(data_set)
    except VesaliusError:
        return f"{data_set} is not on this machine; docs/data.md says where it is looked for"
    return ""


def key(one: Benchmark, words: tuple[str, ...], folder: Path = HERE) -> str:
    """Of the file, its words and the versions that count: what is kept is good while it stays the same."""
    versions = [f"{name} {version(name)}" for name in ("torch", "numpy", *one.peer)]
    given = [(folder / f"{one.name}.py").read_text(), *words, platform.python_version(), *versions]
    return hashlib.sha256("\0".join(given).encode()).hexdigest()[:16]


def version(name: str) -> str:
    """Of an installed package."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "absent"


def keep(found: Measured, folder: Path = HERE) -> None:
    """Write it down, at once or not at all."""
    place = folder / "kept" / f"{found.name}.json"
    place.parent.mkdir(exist_ok=True)
    part = place.with_suffix(".part")
    part.write_text(json.dumps(asdict(found), indent=1) + "\n")
    part.replace(place)


def kept(one: Benchmark, full: bool, folder: Path = HERE) -> Measured | None:
    """What was measured before and still stands: in the form that is asked for, or the whole where the short form is."""
    place = folder / "kept" / f"{one.name}.json"
    if not place.exists():
        return None
    found = Measured(**json.loads(place.read_text()))
    forms = [one.full] if full else [one.short, one.full]
    good = not found.failed and not found.absent and found.key in {key(one, words, folder) for words in forms}
    return found if good else None
