"""Journeys run as real processes in a new folder, and what is kept of them."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from docs.walkthroughs import folders
from docs.walkthroughs.journeys import FOLDER, ROOT, Journey, Typed, plain

TIMEOUT = 1800.0
"""Seconds for one command."""


def clone(place: Path) -> tuple[Path, float]:
    """A clean clone in ``place`` with its own environment, as the README says it: its programs' folder, and the seconds that it took."""
    began = time.monotonic()
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(place)], check=True)  # noqa: S603, S607
    made = {key: value for key, value in os.environ.items() if key not in ("VIRTUAL_ENV", "PYTHONPATH", "MAKEFLAGS")}
    words = ["make", f"PYTHON={sys.executable}", ".venv/.installed"]
    subprocess.run(words, cwd=place, check=True, env=made)  # noqa: S603
    return place / ".venv" / "bin", time.monotonic() - began


def walk(one: Journey, programs: Path, installing: float | None) -> dict[str, Any]:
    """Type every command of ``one`` in a new folder, ``programs`` first on the path, and return what is to be kept.

    ``installing``: seconds from clone to installed, None where it was installed already.
    """
    with tempfile.TemporaryDirectory() as home:
        here = Path(home) / "walk"
        here.mkdir()
        getattr(folders, one.prepare)(here)
        environment = {**os.environ, "PATH": os.pathsep.join([str(programs), os.environ.get("PATH", "")]), "COLUMNS": "120"}
        for name in ("PYTHONPATH", "VESALIUS_RUNS"):
            environment.pop(name, None)
        environment["VESALIUS_CACHE"] = str(Path(home) / "cache")
        kept = []
        for step in one.steps:
            print(f"{one.name}: {step.line}", file=sys.stderr, flush=True)
            kept.append(_type(step, here, environment))
            for wrong in kept[-1]["missing"]:
                print(f"  {wrong}", file=sys.stderr, flush=True)
    seconds = sum(step["seconds"] for step in kept)
    return {
        "installing": None if installing is None else round(installing, 1),
        "seconds": round(seconds, 1),
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "steps": kept,
    }


def _type(step: Typed, here: Path, environment: dict[str, str]) -> dict[str, Any]:
    shell = shutil.which("bash") or "/bin/sh"
    began = time.monotonic()
    try:
        done = subprocess.run(  # noqa: S603
            [shell, "-c", step.line],
            cwd=here,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=TIMEOUT,
            check=False,
        )
        code, printed = done.returncode, plain(done.stdout.replace(str(here.parent / "cache"), "CACHE"), here)
    except subprocess.TimeoutExpired:
        code, printed = 124, f"stopped after {TIMEOUT:.0f} s"
    seconds = round(time.monotonic() - began, 1)
    return {"line": step.line, "code": code, "seconds": seconds, "printed": printed, "missing": step.missing(code, printed)}


def keep(name: str, found: dict[str, Any]) -> None:
    """Keep what was ``found`` beside the journey's file."""
    (FOLDER / f"{name}.json").write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")


def kept(name: str) -> dict[str, Any]:
    """What was found when the journey was last walked; nothing where it was not."""
    place = FOLDER / f"{name}.json"
    found: dict[str, Any] = json.loads(place.read_text()) if place.is_file() else {"installing": None, "seconds": 0.0, "steps": []}
    return found
