"""Greedy k-centre on vectors in a file: 1,000,000 of 256 numbers, memory-mapped, 1,000 picks; the time, and the most memory that no file stands behind.

The vectors are clustered, of unit length. Pages of the mapped file are the system's to drop and not counted (``RssAnon``); what is counted is of
the whole process. A bar shows how far it is. Prints one JSON line; there is no peer: what is under ``peer`` the vectors alone would take, held in memory in
single precision.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from benchmarks.evaluation_memory import Peak

from vesalius.measures.kcentre import farthest_first
from vesalius.terminal import Terminal

BLOCK = 20_000


def written(path: Path, points: int, dim: int, dtype: str) -> np.ndarray:
    """The file, opened again to be read."""
    rng = np.random.default_rng(0)
    centres = rng.standard_normal((max(1, points // 200), dim), dtype=np.float32)
    file = np.lib.format.open_memmap(path, mode="w+", dtype=dtype, shape=(points, dim))
    for first in range(0, points, BLOCK):
        count = min(BLOCK, points - first)
        block = centres[rng.integers(0, len(centres), count)] + 0.5 * rng.standard_normal((count, dim), dtype=np.float32)
        file[first : first + count] = block / np.linalg.norm(block, axis=1, keepdims=True)
    file.flush()
    del file
    return np.load(path, mmap_mode="r")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--points", type=int, default=1_000_000)
    parser.add_argument("--dim", type=int, default=256)
    parser.add_argument("--picks", type=int, default=1000)
    parser.add_argument("--dtype", choices=["float16", "float32"], default="float32")
    parser.add_argument("--threads", type=int, default=2)
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    with tempfile.TemporaryDirectory() as folder:
        vectors = written(Path(folder) / "vectors.npy", asked.points, asked.dim, asked.dtype)
        with Peak() as memory, Terminal().bar("Choosing", "images") as progress:
            told: list[int] = []

            def shown(done: int, total: int) -> None:
                told.append(done)
                progress(done, total)

            began = time.perf_counter()
            found = farthest_first(vectors, asked.picks, progress=shown)
            seconds = time.perf_counter() - began
        peak = memory.before + memory.most
    setting = f"{asked.points:,} x {asked.dim} {asked.dtype} from a memory-mapped file, {asked.picks:,} picks, {asked.threads} threads, {seconds:.1f} s"
    held = asked.points * asked.dim * 4
    line = {"name": "k-centre from a file, memory", "ours": round(peak / 2**30, 3), "peer": round(held / 2**30, 3), "ratio": round(held / peak, 2)}
    radius = {"cover_radius": found.radius, "min_pair": float(np.nanmin(found.distance))}
    print(json.dumps({**line, "unit": "GiB", "setting": setting, "seconds": round(seconds, 2), "shown": len(told), **radius}))


if __name__ == "__main__":
    main()
