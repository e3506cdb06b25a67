"""How long until the first answer: ``import vesalius`` and ``vesalius --help``, medians of fresh processes.

Peers: ``import lightly`` and ``lightly-ssl-train --help`` of lightly 1.6. Prints two JSON lines, in seconds.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAIRS = {
    "import vesalius": (["-c", "import vesalius"], ["-c", "import lightly"]),
    "vesalius --help": (["-m", "vesalius.cli", "--help"], ["-c", "from lightly.cli.train_cli import entry; entry()", "--help"]),
}


def seconds(words: list[str]) -> float:
    """Of one process from start to end."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    start = time.perf_counter()
    subprocess.run([sys.executable, *words], env=environment, capture_output=True, check=True)
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=7)
    given = parser.parse_args()
    for name, (ours, peer) in PAIRS.items():
        taken: tuple[list[float], list[float]] = ([], [])
        for round_ in range(given.rounds + 1):
            for side, words in zip(taken, (ours, peer)):
                spent = seconds(words)
                if round_:  # the first fills the disk's cache and writes byte code
                    side.append(spent)
        mine, theirs = (statistics.median(side) for side in taken)
        line = {"name": name, "ours": round(mine, 3), "peer": round(theirs, 3), "ratio": round(theirs / mine, 1), "unit": "s"}
        print(json.dumps({**line, "setting": f"median of {given.rounds} fresh processes, Python included; peer: lightly 1.6"}))


if __name__ == "__main__":
    main()
