"""How long a million file names take: from a folder of empty files to a selection of 50 that looks at no pixel.

    python -m docs.proofs.million_names [--files 1000000]

`vesalius select --data FOLDER --n 50 --strategy random` in a process of its own, with no cached listing: the folder is listed, every file gets its
id, the table is checked, names are sorted, 50 are drawn. Beside it the part of that which is the index alone, by the function that every
command calls. Each line in JSON: seconds from start to end and of processor time, and the largest resident memory.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

FOLDERS = 100
_INDEX = "import sys; from vesalius.select.config import configured; from vesalius.select.pool import pool_of; from vesalius.terminal import Terminal; \
config, _ = configured(data=sys.argv[1], n=50, strategy='random'); print(len(pool_of(config, Terminal(quiet=True))))"


def make(root: Path, count: int) -> int:
    """``count`` empty files in folders."""
    for folder in range(FOLDERS):
        place = root / f"slide_{folder:03d}"
        place.mkdir(parents=True)
        for number in range(count // FOLDERS):
            os.close(os.open(place / f"image_{number:07d}.png", os.O_CREAT))
    return count // FOLDERS * FOLDERS


def timed(name: str, files: int, command: list[str], env: dict[str, str]) -> None:
    """Run ``command`` and print its line."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    done = subprocess.run(command, env=env, capture_output=True, text=True)  # noqa: S603
    seconds = time.perf_counter() - began
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime
    line = {
        "name": name, "files": files, "seconds": round(seconds, 1), "processor_seconds": round(processor, 1), "gib": round(used.ru_maxrss / 2**20, 2),
        "code": done.returncode, "said": (done.stderr.strip().splitlines() or [""])[-1][:200] if done.returncode else "",
    }  # fmt: skip
    print(json.dumps(line), flush=True)


def main() -> None:
    """Make the files, time both, print both."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--files", type=int, default=1_000_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        root = Path(name) / "images"
        count = make(root, options.files)
        env = {**os.environ, "VESALIUS_CACHE": f"{name}/cache", "VESALIUS_RUNS": f"{name}/runs"}
        timed("the index", count, [sys.executable, "-c", _INDEX, str(root)], env)
        verb = [sys.executable, "-m", "vesalius.cli", "select", "--data", str(root), "--n", "50", "--strategy", "random"]
        timed("vesalius select", count, [*verb, "--out", f"{name}/selection"], env)


if __name__ == "__main__":
    main()
