"""How fast the 45-point path of the linear probe is, against scikit-learn's own warm-started path on the same features.

Features: images of Fashion-MNIST through a fixed random layer and a ReLU, standardised. Both sides walk the same grid
upwards from C = 1e-6 to 1e5, each fit started from the last, with the same tolerance on the same mean loss, in double
and in single precision on one thread; they alternate and the better of two runs counts, in seconds of the processor.
Beside the time: by how much the objective each reached lies above the better of the two, at its worst for C up to
1, and the best accuracy along the path on 1,000 further images.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from vesalius.data.references import resolve
from vesalius.measures import logistic


def features(rows: int, dim: int) -> tuple[torch.Tensor, torch.Tensor]:
    """(rows, dim) standardised features, (rows,) labels."""
    table = resolve("fashion-mnist")
    container = table.container
    assert container is not None
    pixels = torch.from_numpy(np.array(container(table.frame["uri"].iloc[0])[:rows])).flatten(1).double() / 255
    labels = torch.from_numpy(table.targets()[:rows, 0])
    layer = torch.randn(pixels.shape[1], dim, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    x = torch.relu((pixels - pixels.mean(0)) @ layer)
    return (x - x.mean(0)) / x.std(0).clamp(min=1e-6), labels


def objective(weights: np.ndarray, bias: np.ndarray, x: np.ndarray, y: np.ndarray, c: float) -> float:
    logits = torch.from_numpy(x @ weights + bias)
    loss = torch.nn.functional.cross_entropy(logits, torch.from_numpy(y).long(), reduction="sum")
    return float(loss) + float((weights**2).sum()) / (2 * c)


def ours(x: torch.Tensor, y: torch.Tensor, grid: list[float]) -> list[tuple[np.ndarray, np.ndarray]]:
    found = logistic.path(x, y, grid, standardise=False, dtype=x.dtype)
    return [(p.weights.numpy(), p.bias.numpy()) for p in found]


def peer(x: torch.Tensor, y: torch.Tensor, grid: list[float]) -> list[tuple[np.ndarray, np.ndarray]]:
    model, found = LogisticRegression(warm_start=True, max_iter=1000, tol=1e-4), []
    for c in grid:
        model.C = c
        model.fit(x.numpy(), y.numpy())
        found.append((model.coef_.T.copy(), model.intercept_.copy()))
    return found


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=4000)
    parser.add_argument("--dim", type=int, default=512)
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    torch.set_num_threads(1)
    x, y = features(options.rows + 1000, options.dim)
    train, val = (x[: options.rows], y[: options.rows]), (x[options.rows :].numpy(), y[options.rows :].numpy())
    grid = logistic.grid(45)
    for dtype in (torch.float64, torch.float32):
        compare(train[0].to(dtype), train[1], val, grid)


def compare(x: torch.Tensor, y: torch.Tensor, val: tuple[np.ndarray, np.ndarray], grid: list[float]) -> None:
    """Print one line."""
    seconds: dict[str, list[float]] = {"ours": [], "peer": []}
    paths = {}
    with threadpool_limits(1):
        for _ in range(2):
            for name, walk in (("ours", ours), ("peer", peer)):
                begin = time.process_time()
                paths[name] = walk(x, y, grid)
                seconds[name].append(time.process_time() - begin)
    exact = x.double().numpy()
    reached = {
        n: np.array([objective(w, b, exact, y.numpy(), c) for (w, b), c in zip(p, grid)]) for n, p in paths.items()
    }
    least = np.minimum(reached["ours"], reached["peer"])
    settled = np.array(grid) <= 1  # beyond, the loss is nearly 0 and both stop by the tolerance alone
    excess = {n: float((r / least - 1)[settled].max()) for n, r in reached.items()}
    best = {n: max(float(((val[0] @ w + b).argmax(1) == val[1]).mean()) for w, b in p) for n, p in paths.items()}
    precision = str(x.dtype).removeprefix("torch.")
    line = {
        "name": f"logistic_path/{precision}",
        "ours": round(min(seconds["ours"]), 2),
        "peer": round(min(seconds["peer"]), 2),
        "ratio": round(min(seconds["peer"]) / min(seconds["ours"]), 2),
        "unit": "s",
        "setting": f"45 C, {len(x)} x {x.shape[1]}, 10 classes, {precision}, one thread; peer: scikit-learn",
        "largest_excess_objective": {n: round(v, 6) for n, v in excess.items()},
        "best_accuracy": {n: round(v, 4) for n, v in best.items()},
    }
    print(json.dumps(line))


if __name__ == "__main__":
    main()
