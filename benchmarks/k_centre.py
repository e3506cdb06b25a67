"""Greedy k-centre: ours against the loop that measures all rows to each pick, in NumPy and in torch, on the same vectors.

100,000 vectors of 512 numbers and 1,000 picks, of three kinds: uniform on the sphere, clustered, and on a curved manifold of 20 dimensions. Both
loops are in single precision, keep the norms and write into memory that is there; each with the number of threads, 1 or 2, that is faster for it.
Ours runs before and after them, the median counts. Prints a JSON line a kind, with cover radius and least distance of a pair of picks
for ours, the loop and picks at random.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable

import numpy as np
import torch
from threadpoolctl import threadpool_limits

from vesalius.measures.distances import cover_radius
from vesalius.measures.kcentre import central, farthest_first

THREADS = (1, 2)
TRIED = 20
"""Picks by which the number of threads is settled."""


def uniform(rng: np.random.Generator, points: int, dim: int) -> np.ndarray:
    return rng.standard_normal((points, dim), dtype=np.float32)


def clustered(rng: np.random.Generator, points: int, dim: int) -> np.ndarray:
    count = max(1, points // 50)
    centres = rng.standard_normal((count, dim), dtype=np.float32)
    return centres[rng.integers(0, count, points)] + 0.5 * rng.standard_normal((points, dim), dtype=np.float32)


def manifold(rng: np.random.Generator, points: int, dim: int) -> np.ndarray:
    flat, turn = rng.standard_normal((points, 20), dtype=np.float32), rng.standard_normal((20, dim), dtype=np.float32)
    return np.tanh(0.3 * flat @ turn)


KINDS = {"uniform": uniform, "clustered": clustered, "manifold": manifold}


def in_numpy(x: np.ndarray, n: int, start: int) -> list[int]:
    norms = np.einsum("nd,nd->n", x, x)
    best, found, picks = np.full(len(x), np.inf, np.float32), np.empty(len(x), np.float32), [start]
    while len(picks) < n:
        row = picks[-1]
        np.dot(x, x[row], out=found)
        np.multiply(found, -2, out=found)
        np.add(found, norms, out=found)
        np.add(found, norms[row], out=found)
        np.minimum(best, found, out=best)
        best[row] = -1
        picks.append(int(best.argmax()))
    return picks


def in_torch(x: np.ndarray, n: int, start: int) -> list[int]:
    vectors = torch.from_numpy(x)
    norms = vectors.square().sum(1)
    best, found, picks = torch.full((len(x),), torch.inf), torch.empty(len(x)), [start]
    while len(picks) < n:
        row = picks[-1]
        torch.mv(vectors, vectors[row], out=found)
        torch.add(norms, found, alpha=-2, out=found).add_(norms[row])
        torch.minimum(best, found, out=best)
        best[row] = -1
        picks.append(int(best.argmax()))
    return picks


def timed(way: Callable[[], list[int]]) -> tuple[float, list[int]]:
    began = time.perf_counter()
    found = way()
    return time.perf_counter() - began, found


def with_best_threads(loop: Callable[[np.ndarray, int, int], list[int]], x: np.ndarray, n: int, start: int, most: int) -> tuple[float, list[int], int]:
    """Seconds of the whole loop, its picks and the number of threads that was faster for some picks."""

    def limited(threads: int, picks: int) -> tuple[float, list[int]]:
        with threadpool_limits(threads):
            torch.set_num_threads(threads)
            try:
                return timed(lambda: loop(x, picks, start))
            finally:
                torch.set_num_threads(most)

    usable = [threads for threads in THREADS if threads <= most]
    best = min(usable, key=lambda threads: min(limited(threads, min(n, TRIED))[0] for _ in range(2)))
    return *limited(best, n), best


def least_pair(x: np.ndarray, picks: list[int]) -> float:
    chosen = x[picks].astype(np.float64)
    squared = np.square(chosen).sum(1)
    apart = squared[:, None] + squared - 2 * chosen @ chosen.T
    np.fill_diagonal(apart, np.inf)
    return float(np.sqrt(max(apart.min(), 0)))


def measure(kind: str, points: int, dim: int, n: int, threads: int) -> dict[str, object]:
    x = KINDS[kind](np.random.default_rng(0), points, dim)
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    torch.set_num_threads(threads)
    farthest_first(x[:1000], min(n, 10))  # the libraries wake up
    ours: list[tuple[float, list[int]]] = []

    def once() -> None:
        ours.append(timed(lambda: farthest_first(x, n).rows.tolist()))

    once()
    start = central(x)
    peer, peer_picks, peer_threads = with_best_threads(in_numpy, x, n, start, threads)
    once()
    torch_peer, _, torch_threads = with_best_threads(in_torch, x, n, start, threads)
    once()
    seconds, picks = statistics.median(taken for taken, _ in ours), ours[0][1]
    sides = {"ours": picks, "loop": peer_picks, "random": np.random.default_rng(1).choice(points, n, replace=False).tolist()}
    return {
        "name": f"k-centre, {kind}",
        "ours": round(seconds, 3),
        "peer": round(peer, 3),
        "ratio": round(peer / seconds, 2),
        "unit": "s",
        "setting": f"{points:,} x {dim}, {n:,} picks, fp32, {threads} threads; peer: NumPy, a matrix-vector product a pick, {peer_threads} threads",
        "torch": {"seconds": round(torch_peer, 3), "ratio": round(torch_peer / seconds, 2), "threads": torch_threads},
        "same_picks": float(np.mean(np.asarray(picks) == peer_picks)),
        "cover_radius": {side: cover_radius(x, np.asarray(rows)) for side, rows in sides.items()},
        "min_pair": {side: least_pair(x, rows) for side, rows in sides.items()},
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--points", type=int, default=100_000)
    parser.add_argument("--dim", type=int, default=512)
    parser.add_argument("--picks", type=int, default=1000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--kinds", nargs="+", choices=list(KINDS), default=list(KINDS))
    asked = parser.parse_args()
    for kind in asked.kinds:
        print(json.dumps(measure(kind, asked.points, asked.dim, asked.picks, asked.threads)), flush=True)


if __name__ == "__main__":
    main()
