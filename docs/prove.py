"""``make prove ISSUE=2``: what an issue had to show, step by step; written to ``docs/proofs/2.md``.

    python -m docs.prove 2 [--again [STEP ...]] [--only STEP ...] [--suite JUNIT] [--list]

A step is a command and a check of what it printed. Results are kept in ``docs/proofs/kept/2.json``, so that the same command goes
on where it was stopped; ``--again`` forgets all or some. ``--suite`` takes the steps that are tests from a run of the whole suite
(`pytest --junitxml=JUNIT`), which has run them already. Environment: PROVE_MINUTES (8) and PROVE_SEEDS (3) of the training
benchmark, PROVE_KILLS (20), PROVE_DATA (a folder of data sets that are not to be downloaded). What is shorter than the promise asks is said on the page.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "docs" / "proofs"
PASS, FAIL, NOT_RUN = "pass", "FAIL", "not run"


@dataclass(frozen=True)
class Outcome:
    """What a step's command left: exit code, both streams, seconds, its JSON lines, and the counts of its tests."""

    code: int
    out: str
    err: str
    seconds: float
    tests: dict[str, int] = field(default_factory=dict)
    skipped: tuple[str, ...] = ()

    @property
    def lines(self) -> list[dict[str, Any]]:
        """JSON objects among the lines of the output."""
        from benchmarks._running import read_lines

        return read_lines(self.out)


@dataclass(frozen=True)
class Line:
    """One line of the page: what is claimed, the figure found, pass, FAIL or not run, and what was cut short."""

    claim: str
    figure: str
    verdict: str
    ratio: float | None = None
    note: str = ""


@dataclass(frozen=True)
class Step:
    """``command`` as words; ``{junit}`` becomes a file. ``check`` turns its outcome into lines. ``env``: added variables."""

    name: str
    command: Sequence[str]
    check: Callable[[Outcome], list[Line]]
    env: tuple[tuple[str, str], ...] = ()
    timeout: float = 7200.0

    def shown(self) -> str:
        """The command as a person would type it."""
        folder = os.environ.get("PROVE_DATA")  # where somebody keeps it is not to be published
        words = [w.replace(folder, "$PROVE_DATA") if folder else w for w in self.command if "{junit}" not in w]
        return " ".join([*(f"{k}={v}" for k, v in self.env), *(f'"{w}"' if " " in w else w for w in words)])


def by_tests(name: str, claim: str, *words: str, env: tuple[tuple[str, str], ...] = (), least: int = 1) -> Step:
    """A step that is tests: ``words`` are paths and ``-k EXPRESSION``; at least ``least`` must have passed."""

    def check(outcome: Outcome) -> list[Line]:
        count = outcome.tests
        passed = count.get("passed", 0)
        figure = ", ".join(f"{n} {what}" for what, n in count.items() if n) or "no test ran"
        if not sum(count.values()):
            verdict = NOT_RUN
        elif count.get("failed", 0) or outcome.code != 0:
            verdict = FAIL
        elif passed < least:
            verdict = NOT_RUN
        else:
            verdict = NOT_RUN if count.get("skipped", 0) >= passed else PASS
        note = "; ".join(sorted(set(outcome.skipped)))
        return [Line(claim, figure, verdict, note=f"skipped: {note}" if note else "")]

    command = ("python", "-m", "pytest", "-q", "-p", "no:cacheprovider", *words, "--junitxml={junit}")
    return Step(name, command, check, env=env)


def at_least(claim: str, found: float, bar: float, unit: str = "times", note: str = "") -> Line:
    """``found`` must reach ``bar``."""
    return Line(f"{claim}, at least {bar:g} {unit}", f"{found:.2f}", PASS if found >= bar else FAIL, found, note)


def above(claim: str, mine: float, other: float, *, equal: bool = False, note: str = "") -> Line:
    """One share must be above another, or equal."""
    holds = mine >= other if equal else mine > other
    return Line(claim, f"{100 * mine:.1f} % against {100 * other:.1f} %", PASS if holds else FAIL, note=note)


def named(outcome: Outcome, name: str) -> dict[str, Any]:
    """The JSON line of that name."""
    return next(line for line in outcome.lines if line["name"] == name)


def there(*files: str) -> tuple[str, ...]:
    """Those of ``files`` that exist."""
    return tuple(f for f in files if (ROOT / f).exists())


def run(step: Step) -> Outcome:
    """Run the step's command from the project's root."""
    with tempfile.TemporaryDirectory() as folder:
        junit = Path(folder) / "junit.xml"
        words = [sys.executable if w == "python" else w.replace("{junit}", str(junit)) for w in step.command]
        paths = os.pathsep.join([str(ROOT / "src"), str(ROOT)])
        environment = {**os.environ, "PYTHONPATH": paths, **dict(step.env)}
        environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), environment.get("PATH", "")])
        began = time.monotonic()
        try:
            done = subprocess.run(  # noqa: S603
                words, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=step.timeout, check=False
            )
        except subprocess.TimeoutExpired as late:
            text = late.stdout.decode(errors="replace") if isinstance(late.stdout, bytes) else late.stdout or ""
            return Outcome(124, text, f"stopped after {step.timeout:.0f} s", time.monotonic() - began)
        except FileNotFoundError as missing:
            return Outcome(127, "", str(missing), 0.0)
        counts, reasons = _counted(_cases(junit)) if junit.exists() else ({}, ())
        return Outcome(done.returncode, done.stdout, done.stderr, time.monotonic() - began, counts, reasons)


def _cases(junit: Path) -> list[ET.Element]:
    return list(ET.parse(junit).getroot().iter("testcase"))  # noqa: S314  # pytest wrote it


def _counted(cases: Sequence[ET.Element]) -> tuple[dict[str, int], tuple[str, ...]]:
    """Passed, failed and skipped tests of a junit file, and why those were skipped."""
    skips = [c.find("skipped") for c in cases]
    failed = sum(c.find("failure") is not None or c.find("error") is not None for c in cases)
    skipped = [s for s in skips if s is not None]
    reasons = tuple(str(s.get("message", "")) for s in skipped)
    return {"passed": len(cases) - failed - len(skipped), "failed": failed, "skipped": len(skipped)}, reasons


def of_suite(step: Step, junit: Path) -> Outcome | None:
    """What ``step`` would have found, from a run of the whole suite; None where it is no test or asks for more than the suite runs."""
    words = list(step.command)
    if "pytest" not in words or step.env:
        return None
    rest = words[words.index("no:cacheprovider") + 1 :]
    asked = rest[rest.index("-k") + 1].split(" or ") if "-k" in rest else [""]
    places = [w.removesuffix(".py").replace("/", ".") for w in rest if w.startswith("tests")]
    without = [w.removeprefix("--ignore=").removesuffix(".py").replace("/", ".") for w in rest if w.startswith("--ignore=")]

    def meant(case: ET.Element) -> bool:
        module, name = case.get("classname", ""), case.get("name", "")
        inside = any(module == place or module.startswith(f"{place}.") for place in places)
        outside = any(module == place or module.startswith(f"{place}.") for place in without)
        return inside and not outside and any(word.strip().lower() in f"{module}.{name}".lower() for word in asked)

    cases = [case for case in _cases(junit) if meant(case)]
    counts, reasons = _counted(cases)
    failed = [f"{c.get('classname')}::{c.get('name')}" for c in cases if c.find("failure") is not None or c.find("error") is not None]
    seconds = sum(float(c.get("time", 0)) for c in cases)
    return Outcome(int(bool(failed)), "\n".join(failed), "", seconds, counts, reasons)


def record(step: Step, outcome: Outcome) -> dict[str, Any]:
    """What is to be kept of ``step``."""
    try:
        lines = step.check(outcome)
    except (KeyError, IndexError, ValueError, StopIteration) as error:
        lines = [Line(step.name, f"its output could not be read ({type(error).__name__}: {error})", FAIL)]
    if outcome.code in (124, 127):
        lines = [Line(step.name, outcome.err, NOT_RUN)]
    failed = any(line.verdict == FAIL for line in lines)
    return {
        "lines": [asdict(line) for line in lines],
        "command": step.shown(),
        "seconds": round(outcome.seconds, 1),
        "date": datetime.now(UTC).date().isoformat(),
        "commit": _commit(),
        "end": _plain("\n".join((outcome.out + outcome.err).splitlines()[-25:])) if failed else "",
    }


def _plain(text: str) -> str:
    """``text`` without places of this machine."""
    return text.replace(str(ROOT), ".").replace(str(Path.home()), "~").replace(tempfile.gettempdir(), "$TMPDIR")


def _commit() -> str:
    words = ["git", "rev-parse", "--short", "HEAD"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603
    return done.stdout.strip() or "unknown"


def page(issue: str, title: str, steps: Sequence[Step], state: dict[str, Any]) -> str:
    """``docs/proofs/N.md``: every line of every step."""
    names = ("torch", "torchvision", "timm", "lightly", "numpy", "pillow")
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in names)
    rows, counts, ends = [], {PASS: 0, FAIL: 0, NOT_RUN: 0}, []
    for step in steps:
        kept = state.get(step.name)
        if kept is None:
            kept = {"lines": [asdict(Line(step.name, "", NOT_RUN))], "command": step.shown(), "date": "", "commit": ""}
        for line in kept["lines"]:
            counts[line["verdict"]] += 1
            ratio = "" if line["ratio"] is None else f"{line['ratio']:.2f}"
            figure = line["figure"] + (f" ({line['note']})" if line["note"] else "")
            cells = [
                line["claim"],
                figure,
                ratio,
                line["verdict"],
                f"`{kept['command']}`",
                kept["date"],
                kept["commit"],
            ]
            rows.append("| " + " | ".join(c.replace("|", "\\|").replace("\n", " ") for c in cells) + " |")
        if kept.get("end"):
            ends += ["", f"### {step.name}", "", "```text", kept["end"], "```"]
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return "\n".join(
        [
            f"# Proof of issue {issue}: {title}",
            "",
            f"Written by `make prove ISSUE={issue}`. {counts[PASS]} lines pass, {counts[FAIL]} fail, {counts[NOT_RUN]} were not run.",
            "",
            f"{platform.system()} {platform.machine()}, {cores} cores, Python {platform.python_version()}, {versions}.",
            "",
            "| what | found | ratio | | command | date | commit |",
            "|---|---|---|---|---|---|---|",
            *rows,
            *(["", "## The ends of what failed", *ends] if ends else []),
            "",
        ]
    )


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(prog="python -m docs.prove")
    parser.add_argument("issue")
    parser.add_argument("--again", nargs="*", help="forget these steps, or all, before starting")
    parser.add_argument("--only", nargs="*", help="run these steps only")
    parser.add_argument("--suite", type=Path, help="junit file of a run of the whole suite")
    parser.add_argument("--list", action="store_true", help="name the steps and end")
    given = parser.parse_args()
    issue = importlib.import_module(f"docs.proofs.issue_{given.issue}")
    steps: list[Step] = issue.steps()
    known = {step.name for step in steps}
    wrong = {*(given.again or ()), *(given.only or ())} - known
    if wrong:
        parser.error(f"no step {', '.join(sorted(wrong))}; --list names them")
    place = FOLDER / "kept" / f"{given.issue}.json"
    state: dict[str, Any] = json.loads(place.read_text()) if place.exists() else {}
    if given.list:
        print("\n".join(f"{step.name}: {step.shown()}{'  (done)' if step.name in state else ''}" for step in steps))
        return
    if given.again is not None:
        state = {name: kept for name, kept in state.items() if given.again and name not in given.again}
    for step in steps:
        if step.name not in state and (given.only is None or step.name in given.only):
            print(f"{step.name} ...", file=sys.stderr, flush=True)
            found = of_suite(step, given.suite) if given.suite else run(step)
            if found is None:
                continue
            state[step.name] = record(step, found)
            for line in state[step.name]["lines"]:
                print(f"  {line['verdict']}: {line['claim']}: {line['figure']}", file=sys.stderr, flush=True)
            place.parent.mkdir(exist_ok=True)
            place.write_text(json.dumps(state, indent=1) + "\n")
        (FOLDER / f"{given.issue}.md").write_text(page(given.issue, issue.TITLE, steps, state))
    verdicts = [line["verdict"] for name, kept in state.items() if name in known for line in kept["lines"]]
    print(FOLDER.relative_to(ROOT) / f"{given.issue}.md", file=sys.stderr)
    sys.exit(FAIL in verdicts)


if __name__ == "__main__":
    main()
