"""Every benchmark in this folder, each within a budget: ``python -m benchmarks [--full] [NAME ...]``.

Each file runs ours and its named peer and prints JSON lines. They are run one after the other, five minutes at most for each;
``--full`` passes ``--full`` to those that know it and takes the limit away. Writes ``docs/benchmarks.md``.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from dataclasses import dataclass, field
from datetime import date
from importlib import metadata
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
PAGE = ROOT / "docs" / "benchmarks.md"
BUDGET = 300.0
"""Seconds for each, without ``--full``."""
COLUMNS = ("name", "ours", "peer", "ratio", "unit", "setting")


@dataclass
class Measured:
    """What one file printed; ``note`` says how it was cut short or failed."""

    file: str
    lines: list[dict[str, Any]] = field(default_factory=list)
    seconds: float = 0.0
    note: str = ""


def files() -> list[Path]:
    """The benchmarks: all but this file and what helps them (``*_peer.py``)."""
    return sorted(p for p in HERE.glob("*.py") if not p.stem.startswith("_") and not p.stem.endswith("_peer"))


def measure(file: Path, full: bool, budget: float = BUDGET) -> Measured:
    """Run ``file`` as a process of its own and read its JSON lines."""
    knows = '"--full"' in file.read_text()
    words = [sys.executable, "-W", "ignore", str(file), *(["--full"] if full and knows else [])]
    found = Measured(file.name, note="shortened: --full was not given" if knows and not full else "")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)])}
    began = time.monotonic()
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, cwd=ROOT) as process:
        try:
            out, err = process.communicate(timeout=None if full else budget)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            found.note = f"stopped after {budget:.0f} s: run it alone, or with --full"
    found.seconds = time.monotonic() - began
    found.lines = read_lines(out)
    if process.returncode > 0:
        last = (err.strip().splitlines() or ["no message"])[-1]
        found.note = f"failed: {last}"
    return found


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


def page(measured: list[Measured], full: bool) -> str:
    """``docs/benchmarks.md``."""
    versions = ", ".join(f"{name} {_version(name)}" for name in ("torch", "torchvision", "lightly", "scikit-learn"))
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    text = [
        "# Benchmarks",
        "",
        "Ours against a named peer, on the same data, in one run; written by `make bench`. Read the ratios: times belong to the machine.",
        f"{platform.machine()}, {cores} cores, Python {platform.python_version()}, {versions}; {date.today().isoformat()}"
        f"{'' if full else '; `make bench FULL=1` runs what is shortened here at full length'}.",
        "",
        "| what | ours | peer | ratio | unit | setting | by |",
        "|---|---|---|---|---|---|---|",
    ]
    for found in measured:
        for line in found.lines:
            if "ratio" in line:
                cells = [_shown(line.get(column)) for column in COLUMNS]
                text.append(f"| {' | '.join(cells)} | `benchmarks/{found.file}`{'*' if found.note else ''} |")
    for found in measured:
        for line in found.lines:
            more = {k: v for k, v in line.items() if k not in COLUMNS}
            if more:
                text += ["", f"## {line['name']}", ""]
                if "ratio" not in line and line.get("setting"):
                    text += [str(line["setting"]), ""]
                for key, value in more.items():
                    text += _further(key, value)
    cut = [f for f in measured if f.note]
    text += ["", "## Cut short", ""] if cut else []
    text += [f"- \\* `benchmarks/{found.file}` {found.note}." for found in cut]
    return "\n".join(text).rstrip() + "\n"


def _further(key: str, value: Any) -> list[str]:
    """One more field of a line: a table of rows with one value a seed, a list of shares, or a word."""
    if isinstance(value, dict) and value and all(isinstance(v, dict) for v in value.values()):
        columns = list(dict.fromkeys(c for row in value.values() for c in row))
        head = [f"| {key} | {' | '.join(columns)} |", "|---" * (len(columns) + 1) + "|"]
        return [*head, *(f"| {name} | {' | '.join(_shown(row.get(c)) for c in columns)} |" for name, row in value.items()), ""]
    if isinstance(value, dict):
        return [f"| {key} | |", "|---|---|", *(f"| {name} | {_shown(v)} |" for name, v in value.items()), ""]
    return [f"{key}: {_shown(value)}", ""]


def _shown(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return ", ".join(_shown(v) for v in value)
    return f"{value:.4g}" if isinstance(value, float) else str(value).replace("|", "\\|")


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "absent"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("names", nargs="*", help="only these files, without .py; the page is then not written")
    parser.add_argument("--full", action="store_true", help="no shortening and no limit")
    given = parser.parse_args()
    known = {p.stem: p for p in files()}
    unknown = [n for n in given.names if n not in known]
    if unknown:
        parser.error(f"no benchmark {', '.join(unknown)}; there are {', '.join(known)}")
    measured = []
    for name in given.names or known:
        print(f"{name} ...", file=sys.stderr, flush=True)
        measured.append(measure(known[name], given.full))
        for line in measured[-1].lines:
            print(json.dumps(line), flush=True)
        if measured[-1].note:
            print(f"{name}: {measured[-1].note}", file=sys.stderr)
    if not given.names:
        PAGE.write_text(page(measured, given.full))
        print(PAGE.relative_to(ROOT), file=sys.stderr)
    sys.exit(any(found.note.startswith("failed") for found in measured))


if __name__ == "__main__":
    main()
