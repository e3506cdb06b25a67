"""The exact graph of nearest neighbours: ours against scikit-learn's brute-force ``NearestNeighbors``, on the same vectors of unit length.

20,000 x 256 in single precision, 20 neighbours, two threads; the sides alternate and the medians count. Before that both must give the same distances
(to 1e-5). ``--full``: 50,000 x 512. Prints one JSON line; ``rate``: multiply-adds per second of ours, from which larger pools can be reckoned.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Callable

THREADS = next((int(word) for flag, word in zip(sys.argv, sys.argv[1:]) if flag == "--threads"), 2)
os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = str(THREADS)

import numpy as np  # noqa: E402
import torch  # noqa: E402
from sklearn.neighbors import NearestNeighbors  # noqa: E402

from vesalius.measures import neighbours  # noqa: E402


def clustered(rows: int, dim: int) -> np.ndarray:
    """Vectors in a hundred clouds, of unit length."""
    rng = np.random.default_rng(0)
    found = 2 * rng.standard_normal((100, dim), np.float32)[rng.integers(0, 100, rows)] + rng.standard_normal((rows, dim), np.float32)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--rows", type=int, default=0)
    parser.add_argument("--dim", type=int, default=0)
    parser.add_argument("--k", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=THREADS)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    rows, dim = given.rows or (50_000 if given.full else 20_000), given.dim or (512 if given.full else 256)
    vectors = clustered(rows, dim)
    sides: dict[str, Callable[[], np.ndarray]] = {
        "ours": lambda: neighbours.nearest(vectors, given.k)[1],
        "peer": lambda: NearestNeighbors(n_neighbors=given.k, algorithm="brute").fit(vectors).kneighbors()[0],
    }
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for round_ in range(given.rounds):
        found = {}
        for name, side in sides.items():
            began = time.perf_counter()
            found[name] = side()
            seconds[name].append(time.perf_counter() - began)
        if round_ == 0:
            np.testing.assert_allclose(found["ours"], found["peer"], atol=1e-5)
    ours, peer = (statistics.median(seconds[name]) for name in ("ours", "peer"))
    setting = f"{rows:,} x {dim}, k = {given.k}, fp32, {given.threads} threads; peer: scikit-learn NearestNeighbors, brute force"
    line = {"name": "exact neighbour graph", "ours": round(ours, 2), "peer": round(peer, 2), "ratio": round(peer / ours, 2), "unit": "s", "setting": setting}
    print(json.dumps({**line, "rate": round(rows * rows * dim / ours / 1e9, 1), "rate_unit": "thousand million multiply-adds per second"}))


if __name__ == "__main__":
    main()
