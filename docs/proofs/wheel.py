"""``make dist`` and what follows: whether the wheel does, in an environment that has nothing else, what the README promises.

    python -m docs.proofs.wheel [FOLDER]

Builds sdist and wheel (the wheel from the sdist, as an index would), makes an empty environment in FOLDER (a temporary one when it is left
out), installs the wheel without the extras, and from another folder runs `vesalius --help`, `vesalius list` and `vesalius demo` there. Prints
one JSON line: what was run, the files in the wheel, seconds of each step, and whether all passed. The environment takes gigabytes, for torch.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import venv
import zipfile
from collections.abc import Sequence
from pathlib import Path

from docs.prove import FAIL, NOT_RUN, PASS, Line, Outcome, Step, by_tests, named

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = (("--help",), ("list",), ("demo",))


def steps() -> list[Step]:
    """What a wheel holds, and that it works by itself."""
    return [
        by_tests("wheel's files", "A wheel would hold every module, recipe, template and the licence, and nothing else", "tests/test_package.py"),
        Step("wheel", ("python", "-m", "docs.proofs.wheel"), _check),
    ]


def _check(outcome: Outcome) -> list[Line]:
    found = named(outcome, "wheel")
    said = ", ".join(f"{step} {seconds:.0f} s" for step, seconds in found["seconds"].items())
    claim = "Wheel and sdist build; installed in an empty environment, `vesalius --help`, `list` and `demo` run from another folder"
    return [Line(claim, f"{found['files']} files; {said}", PASS if found["passed"] else FAIL if found["seconds"] else NOT_RUN)]


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(prog="python -m docs.proofs.wheel")
    parser.add_argument("folder", nargs="?", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as draft:
        folder = (given.folder or Path(draft) / "wheel").resolve()
        line = _run_all(folder)
    print(json.dumps(line))
    sys.exit(not line["passed"])


def _run_all(folder: Path) -> dict[str, object]:
    seconds: dict[str, float] = {}
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir(parents=True, exist_ok=True)

    def step(name: str, words: Sequence[str], at: Path) -> bool:
        began = time.monotonic()
        places = {"VESALIUS_RUNS": str(elsewhere / "runs"), "VESALIUS_CACHE": str(elsewhere / "cache")}
        kept = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "VIRTUAL_ENV")}
        done = subprocess.run(words, cwd=at, env={**kept, **places}, capture_output=True, text=True, check=False)  # noqa: S603
        seconds[name] = round(time.monotonic() - began, 1)
        if done.returncode:
            sys.stderr.write(f"{name} failed:\n{done.stdout[-2000:]}{done.stderr[-4000:]}\n")
        return done.returncode == 0

    passed = step("build", [sys.executable, "-m", "build", "--outdir", str(folder / "dist"), str(ROOT)], ROOT)
    files = 0
    if passed:
        wheel = next((folder / "dist").glob("*.whl"))
        names = zipfile.ZipFile(wheel).namelist()
        files, passed = len(names), any(name.endswith("licenses/LICENSE") for name in names)
        venv.create(folder / "environment", with_pip=True, clear=True)
        bin_ = folder / "environment" / "bin"
        passed &= step("install", [str(bin_ / "python"), "-m", "pip", "install", "-q", str(wheel)], elsewhere)
        for words in COMMANDS:
            passed = passed and step(f"vesalius {words[0]}", [str(bin_ / "vesalius"), *words], elsewhere)
    return {"name": "wheel", "files": files, "seconds": seconds, "passed": passed}


if __name__ == "__main__":
    main()
