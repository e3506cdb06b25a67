"""The most memory of a process that takes two full-size steps of the restoration recipe: 89 million parameters, eight patches of 96 voxels.

``restoration_step`` measures the step's time; this the sentence that it fits into 8 GiB, with the same volumes. Prints one JSON line.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

from benchmarks.restoration_step import DRAWS, SMALL, Setting, peak, said, written


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--small", action="store_true")
    given = parser.parse_args()
    setting = SMALL if given.small else Setting()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["VESALIUS_CACHE"] = f"{folder}/cache"
        root = Path(folder) / "data"
        root.mkdir()
        written(root, setting)
        found = peak(root, ["--threads", str(given.threads), *(["--small"] if given.small else [])])
    where = f"{setting.volumes * DRAWS} patches of {setting.patch}^3, fp32, {given.threads} threads, the whole process"
    said("memory of a restoration step, against 8 GiB", found, 8.0, "GiB", where)


if __name__ == "__main__":
    main()
