"""SimCLR from images to encoder: ours against lightly's documented loop, on the same images, in one run.

Four rows, alternating, each with several seeds: (a) lightly 1.6 as its documentation has it; (b) the same with channels
last, bf16 where the processor multiplies it, and our optimizer, schedule, temperature and crop range; (c) ours in fp32 and
default layout with lightly's network and recipe; (d) ours by default. kNN-20 on the test images after equal epochs and
after equal wall time, beside random initialisation, raw pixels and pixel PCA.

    python -m benchmarks.simclr_training --minutes 8 --seeds 3 [--data fashion-mnist | cifar10@ROOT] [--images 10000]

Three seeds of 8 minutes take two hours and a half: ``--keep FOLDER`` keeps every finished seed, and takes it from there the
next time. Ratios are taken within a seed, whose rows alternate on one machine, and the middle one is told.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from benchmarks import network_peer
from torch import nn

from vesalius.data import references
from vesalius.measures import bootstrap, knn, pca
from vesalius.training.precision import autocast_type

BATCH, SIDE = 256, 32
Arrays = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def load(reference: str, images: int, tested: int | None = None) -> Arrays:
    """First ``images`` training images and ``tested`` or all test images, (N, 32, 32, 3) uint8, with labels."""
    from PIL import Image

    table = references.resolve(reference)
    assert table.container is not None
    out: list[np.ndarray] = []
    for split, limit in (("train", images), ("test", tested)):
        rows = table.rows(split)[:limit]
        frame = table.frame.iloc[rows]
        pixels = [table.container(str(u))[int(f)] for u, f in zip(frame["uri"], frame["frame"])]
        pictures = [Image.fromarray(p).convert("RGB").resize((SIDE, SIDE), Image.Resampling.BILINEAR) for p in pixels]
        out += [np.stack([np.asarray(p) for p in pictures]), table.labels(table.label_names[0])[rows].astype(int)]
    return out[0], out[1], out[2], out[3]


# ---- the peer


def peer_network(channels_last: bool) -> tuple[nn.Module, nn.Module]:
    """lightly's ResNet-18 at a quarter of its width, and its SimCLR head."""
    from lightly.models.modules import SimCLRProjectionHead

    backbone = nn.Sequential(network_peer.build(3), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    head = SimCLRProjectionHead(128, 512, 128)
    if channels_last:
        backbone = backbone.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return backbone, head


class Pictures(torch.utils.data.Dataset):  # type: ignore[type-arg]
    """PIL images in memory, so that decoding counts on neither side."""

    def __init__(self, pixels: np.ndarray, transform: Callable[..., object]) -> None:
        from PIL import Image

        self.pictures, self.transform = [Image.fromarray(p) for p in pixels], transform

    def __len__(self) -> int:
        return len(self.pictures)

    def __getitem__(self, i: int) -> object:
        return self.transform(self.pictures[i])


class Peer:
    """lightly's loop; ``tuned`` is row (b)."""

    def __init__(self, data: Arrays, seed: int, tuned: bool, workers: int) -> None:
        from lightly.loss import NTXentLoss
        from lightly.transforms import SimCLRTransform

        torch.manual_seed(seed)
        self.backbone, self.head = peer_network(tuned)
        self.tuned, self.type = tuned, autocast_type("auto", torch.device("cpu")) if tuned else None
        self.loss = NTXentLoss(temperature=0.2 if tuned else 0.5)
        crop = {"min_scale": 0.2} if tuned else {}
        transform = SimCLRTransform(input_size=SIDE, gaussian_blur=0.0, **crop)
        self.loader = torch.utils.data.DataLoader(
            Pictures(data[0], transform), batch_size=BATCH, shuffle=True, drop_last=True, num_workers=workers, persistent_workers=workers > 0
        )
        parameters = [*self.backbone.parameters(), *self.head.parameters()]
        if tuned:
            groups = [
                {"params": [p for p in parameters if p.ndim > 1], "weight_decay": 5e-4},
                {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
            ]
            self.optimizer = torch.optim.SGD(groups, lr=0.12, momentum=0.9, fused=True)
        else:
            self.optimizer = torch.optim.SGD(parameters, lr=0.06)

    def train(self, epochs: float | None = None, seconds: float | None = None) -> tuple[float, float, float]:
        """Until ``epochs`` or ``seconds``; returns (epochs, seconds, share of the time outside the network)."""
        steps, per_epoch, inside, began = 0, len(self.loader), 0.0, time.perf_counter()
        # row (b) has a schedule, so it must know its length: from the speed of its first steps where it runs by the clock
        total = None if epochs is None else round(epochs * per_epoch)
        while True:
            for views, *_ in self._batches():
                mark = time.perf_counter()
                self._step(views, steps, total)
                inside += time.perf_counter() - mark
                steps += 1
                spent = time.perf_counter() - began
                if seconds is not None and total is None and self.tuned and steps == 15:
                    total = max(20, int(seconds / (spent / steps)))
                if (epochs is not None and steps >= total) or (seconds is not None and spent >= seconds):  # type: ignore[operator]
                    return steps / per_epoch, spent, 1 - inside / spent

    def _batches(self) -> Iterator[tuple[list[torch.Tensor]]]:
        for batch in self.loader:
            yield (batch,)

    def _step(self, views: list[torch.Tensor], step: int, total: int | None) -> None:
        if self.tuned:
            done = min(1.0, step / total) if total else 0.0
            warm = min(1.0, (step + 1) / (0.05 * (total or 400) + 1))
            for group in self.optimizer.param_groups:
                group["lr"] = 0.12 * warm * (1 + np.cos(np.pi * done)) / 2
            views = [v.contiguous(memory_format=torch.channels_last) for v in views]
        with torch.autocast("cpu", dtype=self.type or torch.bfloat16, enabled=self.type is not None):
            z = [self.head(self.backbone(v)) for v in views]
        loss = self.loss(z[0].float(), z[1].float())
        loss.backward()
        self.optimizer.step()
        self.optimizer.zero_grad()

    @torch.no_grad()
    def features(self, pixels: np.ndarray) -> torch.Tensor:
        """Pooled features, normalised as the transform normalises."""
        self.backbone.eval()
        mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
        out = []
        for start in range(0, len(pixels), 512):
            x = (torch.from_numpy(pixels[start : start + 512]).float() / 255 - mean) / std
            out.append(self.backbone(x.permute(0, 3, 1, 2).contiguous()))
        self.backbone.train()
        return torch.cat(out)


# ---- ours

LIGHTLY_VIEWS = {
    "global": {
        "count": 2,
        "size": SIDE,
        "operations": [
            {"random_resized_crop": {"scale": [0.08, 1.0]}},
            "horizontal_flip",
            {"colour_jitter": {"brightness": 0.8, "contrast": 0.8, "saturation": 0.8, "hue": 0.2, "p": 0.8}},
            {"greyscale": {"p": 0.2}},
            {"normalise": {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}},
        ],
    }
}


def ours(data: Path, seed: int, default: bool, epochs: float) -> tuple[Path, dict[str, float]]:
    """One pretraining by the verb; returns the run and its cost."""
    from vesalius.pretrain import pretrain

    recipe: dict[str, object] = {
        "data": {"train": str(data), "channels": 3, "size": "native"},
        "views": "simclr-24",
        "encoder": {"name": "resnet18", "width": 0.25, "stem": "small", "size": SIDE},
        "method": {"name": "simclr", "hidden": 512, "dim": 128},
        "epochs": epochs,
        "batch_size": BATCH,
        "monitors": [],
        "examine": False,
        "checkpoint_every": {"epochs": 1000},
        "threads": 2,
        "seed": seed,
    }
    if not default:
        recipe["views"] = LIGHTLY_VIEWS
        recipe["encoder"] = {"name": f"{network_peer.__file__}:build", "size": SIDE}
        recipe["method"] = {"name": "simclr", "hidden": 512, "dim": 128, "last_norm": True, "temperature": 0.5}
        recipe["optimizer"] = {
            "name": "sgd", "lr": 0.06, "momentum": 0.0, "weight_decay": 0.0, "warmup": {"steps": 0}, "schedule": {"name": "constant"},
        }  # fmt: skip
        recipe["precision"] = "fp32"
        recipe["layout"] = "contiguous"
    out = Path(tempfile.mkdtemp()) / "run"
    result = pretrain(recipe, out=out, quiet=True)
    return out, result.results["cost"]


def our_features(run: Path, pixels: np.ndarray, normalised: bool) -> torch.Tensor:
    """Pooled features of the run's encoder."""
    from vesalius.encoders import load_encoder

    encoder = load_encoder(run)
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    out = []
    with torch.no_grad():
        for start in range(0, len(pixels), 512):
            x = torch.from_numpy(pixels[start : start + 512]).float() / 255
            x = (x - mean) / std if normalised else x
            out.append(encoder(x.permute(0, 3, 1, 2).contiguous()).pooled)
    return torch.cat(out)


# ---- measuring


def score(train: torch.Tensor, test: torch.Tensor, data: Arrays) -> tuple[float, float, float]:
    """kNN-20 accuracy with a 95 % interval over test images."""
    shares = knn.predict(test, train, torch.from_numpy(data[1]).float(), 10, k=20)
    right = (shares.argmax(1) == torch.from_numpy(data[3])).float()
    statistic = {"accuracy": lambda weights: (weights.double() * right[:, None]).sum(0) / weights.double().sum(0)}
    low, high = bootstrap.interval(bootstrap.replicate(statistic, np.arange(len(right)), replicates=1000, seed=0)["accuracy"])
    return float(right.mean()), low, high


def one(row: str, seed: int, images: Path, epochs: float | None, seconds: float | None, workers: int) -> dict[str, float]:
    """One training of one row, to an equal number of ``epochs`` or for ``seconds``, and its score."""
    data = read(images)
    if row in "ab":
        peer = Peer(data, seed, row == "b", workers)
        done, spent, outside = peer.train(epochs, seconds)
        speed = done * (len(data[0]) // BATCH * BATCH) / spent
        features = peer.features(data[0]), peer.features(data[2])
    else:
        assert epochs is not None
        run, cost = ours(images, seed, row == "d", epochs)
        done, spent, outside = cost["epochs"], cost["seconds"], cost["wait_share"] + cost["views_share"]
        speed = cost["images_per_second"]
        features = our_features(run, data[0], row == "c"), our_features(run, data[2], row == "c")
    bf16 = autocast_type("auto", torch.device("cpu")) is not None
    return {"speed": speed, "outside": outside, "epochs": done, "seconds": spent, "knn": score(*features, data)[0], "bf16": bf16}


def apart(*words: object) -> dict[str, float]:
    """``one`` in a process of its own, so that no side's settings of the process reach the other."""
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks.simclr_training", "--one", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def one_seed(seed: int, images: Path, seconds: float, workers: int) -> dict[str, dict[str, float]]:
    """The four rows with one seed: (a) for ``seconds``, the others to its number of epochs and then for ``seconds``."""
    first = apart("a", seed, images, None, seconds, workers)
    rows = {"a": {**first, "equal_epochs": first["knn"], "equal_time": first["knn"]}}
    for row in "dcb":
        same = apart(row, seed, images, first["epochs"], None, workers)
        # ours is told its length in epochs, from the speed just measured; the peer stops by the clock
        epochs, limit = (first["epochs"] * seconds / same["seconds"], None) if row in "cd" else (None, seconds)
        then = apart(row, seed, images, epochs, limit, workers)
        speed = statistics.median([same["speed"], then["speed"]])
        rows[row] = {**then, "speed": speed, "equal_epochs": same["knn"], "equal_time": then["knn"]}
    return rows


def read(images: Path) -> Arrays:
    """What ``load`` gave, from its file."""
    with np.load(images) as f:
        return f["train_images"], f["train_labels"][:, 0].astype(int), f["test_images"], f["test_labels"][:, 0].astype(int)


def compared(speeds: Callable[[str], list[float]], setting: str) -> None:
    """A line for each pair of rows, of each row its speed with each seed."""
    for name, top, bottom in (("d over a", "d", "a"), ("d over b", "d", "b"), ("c over a", "c", "a")):
        ratio, mine, theirs = sorted((m / t, m, t) for m, t in zip(speeds(top), speeds(bottom), strict=True))[len(speeds(top)) // 2]
        line = {"name": f"SimCLR training, images/s, {name}", "ours": mine, "peer": theirs, "ratio": ratio, "unit": "images/s", "setting": setting}
        print(json.dumps(line), flush=True)


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=0.25)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--data", default="fashion-mnist")
    parser.add_argument("--keep", type=Path, help="folder of finished seeds")
    parser.add_argument("--full", action="store_true", help="8 minutes and three seeds")
    parser.add_argument("--speed", action="store_true", help="images/s alone: one epoch of 4,096 images of each row")
    parser.add_argument("--one", nargs=6, help=argparse.SUPPRESS)
    given = parser.parse_args()
    torch.set_num_threads(2)
    if given.one:
        row, seed, images, epochs, seconds, workers = given.one
        number = lambda word: None if word == "None" else float(word)  # noqa: E731
        print(json.dumps(one(row, int(seed), Path(images), number(epochs), number(seconds), int(workers))))
        return
    if given.full:
        given.minutes, given.seeds = 8.0, 3
    if given.speed:
        given.images = min(given.images, 4096)
    data = load(given.data, given.images, 500 if given.speed else None)
    file = Path(tempfile.mkdtemp()) / "images.npz"
    np.savez(file, train_images=data[0], train_labels=data[1][:, None], test_images=data[2], test_labels=data[3][:, None])
    if given.speed:
        found = {row: apart(row, 1, file, 1, None, 1)["speed"] for row in "abcd"}
        compared(lambda row: [found[row]], f"{given.data}, one epoch of {given.images} images at 32 px, peer with 1 worker, 2 threads")
        return
    seconds = given.minutes * 60
    rates = {w: apart("a", 0, file, None, min(15.0, seconds / 2), w)["speed"] for w in (0, 1, 2)}
    workers = max(rates, key=lambda w: rates[w])
    rows: dict[str, list[dict[str, float]]] = {r: [] for r in "abcd"}
    for seed in range(1, given.seeds + 1):
        kept = given.keep and given.keep / f"{given.data.replace('/', '_')}-{given.images}-{given.minutes:g}-{seed}.json"
        if kept and kept.is_file():
            found = json.loads(kept.read_text())
        else:
            found = one_seed(seed, file, seconds, workers)
            if kept:
                kept.parent.mkdir(parents=True, exist_ok=True)
                kept.write_text(json.dumps(found))
        for row in rows:
            rows[row].append(found[row])
        print(json.dumps({"seed": seed, **found}), file=sys.stderr, flush=True)
    pixels = [torch.from_numpy(d).float().flatten(1) / 255 for d in (data[0], data[2])]
    components = pca.fit(pixels[0], 128)
    fresh = Peer(data, 1, False, 0)
    baselines = {
        "random initialisation": score(fresh.features(data[0]), fresh.features(data[2]), data),
        "raw pixels": score(pixels[0], pixels[1], data),
        "pixel PCA": score(components(pixels[0]), components(pixels[1]), data),
    }

    setting = f"{given.data}, {given.images} images at 32 px, {given.seeds} seed(s), {given.minutes:g} min each, peer with {workers} worker(s), 2 threads"
    compared(lambda row: [r["speed"] for r in rows[row]], setting)
    table = {r: {k: [round(v[k], 4) for v in found] for k in found[0]} for r, found in rows.items()}
    bf16 = [bool(r["bf16"]) for r in rows["d"]]
    print(json.dumps({"name": "SimCLR training, table", "rows": table, "baselines": baselines, "bf16": bf16, "setting": setting}))


if __name__ == "__main__":
    main()
