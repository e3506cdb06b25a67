"""The targets of the Makefile from a clean clone in a new folder, with an environment of its own.

    python -m docs.proofs.clean_clone [--all]

Clones, installs, and runs `make lint`, `make types`, `make docs` and `make demo`; with ``--all`` also `make test` and `make bench`, which take
twenty minutes each. Prints one JSON line: seconds of each and whether it passed.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
import time
from pathlib import Path

from docs.prove import FAIL, NOT_RUN, PASS, Line, Outcome, Step, named

ROOT = Path(__file__).resolve().parents[2]
QUICK, SLOW = (".venv/.installed", "lint", "types", "docs", "demo"), ("test", "bench")
WANTED = 25
"""Minutes that `make test` may take."""


def steps() -> list[Step]:
    """The one step."""
    return [Step("clean clone", ("python", "-m", "docs.proofs.clean_clone"), _check, timeout=7200)]


def _check(outcome: Outcome) -> list[Line]:
    found = named(outcome, "clean clone")["targets"]
    claim = "From a clean clone: `make {}` passes"
    lines = [
        Line(claim.format(name), f"{one['seconds'] / 60:.1f} minutes", PASS if one["passed"] and not _late(name, one["seconds"]) else FAIL)
        for name, one in found.items()
        if not name.startswith(".")
    ]
    left = [Line(claim.format(name), "", NOT_RUN, note="CI runs it; here with --all") for name in SLOW if name not in found]
    return [*lines, *left]


def _late(name: str, seconds: float) -> bool:
    return name == "test" and seconds > 60 * WANTED


def main() -> None:
    """The command; leaves with 1 where a target failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--all", action="store_true")
    given = parser.parse_args()
    targets: dict[str, dict[str, float | bool]] = {}
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "vesalius"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(place)], check=True)  # noqa: S603, S607
        for target in (*QUICK, *(SLOW if given.all else ())):
            began = time.monotonic()
            done = subprocess.run(["make", target], cwd=place, capture_output=True, text=True, check=False)  # noqa: S603, S607
            targets[target] = {"seconds": round(time.monotonic() - began, 1), "passed": done.returncode == 0}
            if done.returncode:
                print(f"{target}:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    print(json.dumps({"name": "clean clone", "targets": targets}))
    raise SystemExit(not all(one["passed"] for one in targets.values()))


if __name__ == "__main__":
    main()
