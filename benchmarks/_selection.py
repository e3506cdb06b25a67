"""What the experiments on selection share: two data sets as arrays, three kinds of encoders, embeddings, selections.

PneumoniaMNIST (28 px, its own split) and the cells of BCCD (40 px, cut out by their boxes; the split of its lists, by image). Whatever is
trained or embedded is kept in a folder and not made again, so that an experiment that was stopped goes on, and the next one finds it.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from vesalius.encoders import load_encoder
from vesalius.encoders.encoder import Encoder
from vesalius.select.candidates import Candidates, Objects
from vesalius.select.greedy import Weighted, choose
from vesalius.select.strategies import balance, coverage, diversity, hierarchical_kmeans, typicality
from vesalius.select.values import Classes, Vectors

ROOT = Path(__file__).resolve().parents[1]
SPLITS = ("train", "val", "test")
NETWORK: Mapping[str, Any] = {"name": "resnet18", "stem": "small", "width": 0.25}
EFFICIENTNET, EFFICIENTNET_SIDE = "efficientnet-lite0", 96
CELL_SIDE = 40
Array = NDArray[Any]


@dataclass(frozen=True)
class Level:
    """How much is done: epochs of SimCLR on PneumoniaMNIST and on cells and of the target model, images of each split that are used, random
    selections, replicates of intervals.
    """

    name: str
    ssl: float
    ssl_of_cells: float
    target: float
    limit: int | None
    seeds: int
    replicates: int


LEVELS = {
    "small": Level("small", 1, 1, 1, 160, 3, 50),
    "short": Level("short", 3, 2, 2, None, 20, 500),
    "full": Level("full", 50, 50, 15, None, 20, 1000),
}


@dataclass(frozen=True)
class Images:
    """``pixels`` (N, H, W, C) uint8 square, ``labels`` (N,), ``split`` (N,) of ``SPLITS``, ``owner`` (N,) the image each was cut out of."""

    name: str
    pixels: Array
    labels: Array
    split: Array
    owner: Array
    classes: tuple[str, ...]
    files: tuple[str, ...] = ()
    """Of the images that ``owner`` counts, where they lie in files."""

    def of(self, *splits: str) -> Array:
        """Rows of these splits."""
        return np.flatnonzero(np.isin(self.split, splits))

    @property
    def side(self) -> int:
        """Pixels a side."""
        return int(self.pixels.shape[1])


@dataclass(frozen=True)
class Given:
    """The command line: where everything is kept, how much is done, where the data are."""

    folder: Path
    level: Level
    pneumonia: Path
    bccd: Path


def given(words: Sequence[str] | None = None) -> Given:
    """The command line. Data by argument, or below PROVE_DATA, else beside the project."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    data = Path(os.environ.get("PROVE_DATA", ROOT.parent / "shared" / "data"))
    parser.add_argument("--folder", type=Path, help="where it is all kept (runs/selection-LEVEL)")
    parser.add_argument("--pneumonia", type=Path, default=data / "pneumoniamnist.npz")
    parser.add_argument("--bccd", type=Path, default=data / "bccd")
    parser.add_argument("--small", action="store_true", help="few images, one epoch: to see that it runs")
    parser.add_argument("--full", action="store_true", help="at full length")
    asked = parser.parse_args(words)
    level = LEVELS["small" if asked.small else "full" if asked.full else "short"]
    folder: Path = (asked.folder or Path("runs") / f"selection-{level.name}").resolve()
    folder.mkdir(parents=True, exist_ok=True)
    os.environ["VESALIUS_CACHE"] = str(folder / "cache")
    os.environ["VESALIUS_RUNS"] = str(folder / "runs")
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    return Given(folder, level, asked.pneumonia.resolve(), asked.bccd.resolve())


def kept(file: Path, make: Callable[[], Any]) -> Any:
    """What ``make`` returns, now or before, as JSON in ``file``."""
    if not file.exists():
        found = make()
        part = file.with_suffix(".part")
        part.write_text(json.dumps(found))
        part.replace(file)
    return json.loads(file.read_text())


def pneumonia(asked: Given) -> Images:
    """PneumoniaMNIST; of a small level every so many images."""
    parts = np.load(asked.pneumonia, allow_pickle=False)
    pixels, labels, split = [], [], []
    for name in SPLITS:
        some = np.arange(len(parts[f"{name}_images"]))[:: _step(len(parts[f"{name}_images"]), asked.level)]
        pixels.append(parts[f"{name}_images"][some][..., None])
        labels.append(parts[f"{name}_labels"][some].reshape(-1).astype(np.float32))
        split.append(np.full(len(some), name))
    whole = np.concatenate(pixels)
    return Images("PneumoniaMNIST", whole, np.concatenate(labels), np.concatenate(split), np.arange(len(whole)), ("normal", "pneumonia"))


def cells(asked: Given) -> Images:
    """The cells of BCCD, cut out of its images by ``crops@``, each as a square of 40 px; of a small level those of every so many images."""
    from vesalius.data.dataset import open_data, resolve
    from vesalius.data.settings import StoreSettings
    from vesalius.terminal import Terminal

    quiet = Terminal(quiet=True)
    table = resolve(f"crops@{asked.bccd}", terminal=quiet)
    file = asked.folder / "bccd-cells.npz"
    if not file.exists():
        data = open_data("cells", table, StoreSettings(CELL_SIDE, 3), quiet, max_bad_share=0.0)
        squares = np.stack([_square(np.asarray(data.store.array(int(row)))) for row in data.rows()])
        with file.with_suffix(".part").open("wb") as out:
            np.savez(out, pixels=squares)
        file.with_suffix(".part").replace(file)
    pixels = np.load(file, allow_pickle=False)["pixels"]
    stems = np.array([Path(uri).stem for uri in table.frame["uri"]])
    names, owner = np.unique(stems, return_inverse=True)
    lists = {split: set((asked.bccd / "ImageSets" / "Main" / f"{split}.txt").read_text().split()) for split in SPLITS}
    split = np.array([next((name for name in SPLITS if stem in lists[name]), "train") for stem in stems])
    used = np.arange(len(names))[:: 6 if asked.level.limit else 1]
    some = np.isin(owner, used)
    owner = np.unique(owner[some], return_inverse=True)[1]
    (label,) = table.label_names
    classes = tuple(table.class_names[label])
    return Images("cells of BCCD", pixels[some], table.labels(label)[some].astype(np.float32), split[some], owner, classes, tuple(names[used]))


def as_npz(asked: Given, images: Images, name: str, labels: Array | None = None) -> Path:
    """``images`` as a file of MedMNIST's layout, which every verb reads; ``labels`` instead of their own."""
    file = asked.folder / f"{name}.npz"
    if not file.exists():
        used = images.labels if labels is None else labels
        parts = {}
        for split in SPLITS:
            rows = images.of(split)
            pixels = images.pixels[rows]
            parts[f"{split}_images"] = pixels[..., 0] if pixels.shape[-1] == 1 else pixels
            parts[f"{split}_labels"] = used[rows].astype(np.uint8)[:, None]
        with file.with_suffix(".part").open("wb") as out:
            np.savez(out, **parts)
        file.with_suffix(".part").replace(file)
    return file


def ssl(asked: Given, images: Images, name: str) -> Encoder:
    """Our encoder, trained by SimCLR on the training images without their labels."""
    import vesalius

    side = images.side
    views: list[dict[str, Any]] = [{"random_resized_crop": {"scale": [0.3, 1.0]}}, {"affine": {"degrees": 10, "outside": "edge"}}]
    if images.pixels.shape[-1] == 3:  # a cell has no upper side
        views += [{"horizontal_flip": {"p": 0.5}}, {"vertical_flip": {"p": 0.5}}]
    views += [{"colour_jitter": {"brightness": 0.4, "contrast": 0.4, "p": 0.8}}, {"gaussian_blur": {"sigma": [0.1, 1.0], "p": 0.3}}]
    config = {
        "data": {"train": str(as_npz(asked, images, name))},
        "views": {"global": {"count": 2, "size": side, "operations": views}},
        "encoder": dict(NETWORK),
        "method": {"name": "simclr", "temperature": 0.2, "hidden": 512, "dim": 128},
        "optimizer": {"name": "sgd", "lr": "auto", "weight_decay": 5e-4, "warmup": 0.1},
        "epochs": epochs(asked, images),
        "batch_size": 256 if asked.level.limit is None else 64,
        "examine": False,
        "name": name,
    }
    out = asked.folder / f"{name}-ssl"
    _run(out, lambda: vesalius.pretrain(config, out=out, quiet=True), lambda: vesalius.pretrain(resume=out, quiet=True))
    return load_encoder(out)


def epochs(asked: Given, images: Images) -> float:
    """Of SimCLR on ``images``."""
    return asked.level.ssl if images.pixels.shape[-1] == 1 else asked.level.ssl_of_cells


def target(asked: Given, images: Images, name: str, labels: Array | None = None) -> Encoder:
    """The target model's encoder: the same network, trained end to end from random weights on the labels of the training images."""
    import vesalius

    recipe = {
        "extends": "classifier",
        "data": {"train": str(as_npz(asked, images, name, labels))},
        "epochs": asked.level.target,
        "linear_first": False,
        "optimizer": {"layer_decay": None},
    }
    encoder = {**NETWORK, "size": images.side, "freeze": False, "lr_factor": 1.0}
    out = asked.folder / f"{name}-target"
    _run(out, lambda: vesalius.finetune(recipe, encoder=encoder, out=out, quiet=True), lambda: vesalius.finetune(resume=out, quiet=True))
    return load_encoder(out)


def efficientnet() -> Encoder:
    """EfficientNet-Lite0 with ImageNet's weights, prepared from its package by the zoo file of the examples."""
    from vesalius.encoders.prepared import is_model

    if not is_model(EFFICIENTNET):
        zoo = str(ROOT / "examples" / "efficientnet_zoo.py")
        file = subprocess.run([sys.executable, zoo], check=True, capture_output=True, text=True).stdout.strip()
        words = ["models", "prepare", EFFICIENTNET, "--plugins", zoo, "--file", file]
        subprocess.run([sys.executable, "-m", "vesalius.cli", *words], check=True, stdout=subprocess.DEVNULL)
    return load_encoder(EFFICIENTNET)


def embedded(asked: Given, encoder: Encoder, pixels: Array, side: int, name: str) -> Array:
    """``(N, D)`` pooled features of ``pixels`` at ``side`` px, each divided by its length; kept as ``name``."""
    file = asked.folder / f"{name}.npy"
    if not file.exists():
        encoder.eval()
        channels, found = encoder.card.channels, []
        with torch.no_grad():
            for start in range(0, len(pixels), 256):
                batch = torch.from_numpy(pixels[start : start + 256]).permute(0, 3, 1, 2).float() / 255
                batch = batch.expand(-1, channels, -1, -1) if batch.shape[1] == 1 else batch
                if batch.shape[-1] != side:
                    batch = F.interpolate(batch, size=(side, side), mode="bilinear", antialias=True, align_corners=False)
                found.append(F.normalize(encoder(batch.contiguous()).pooled, dim=1))
        with file.with_suffix(".part").open("wb") as out:
            np.save(out, torch.cat(found).numpy())
        file.with_suffix(".part").replace(file)
    return np.load(file, allow_pickle=False)


def selections(vectors: Array, labels: Array, classes: Sequence[str], n: int) -> dict[str, Array]:
    """``n`` rows by each way of selecting. Those named with labels know the labels of all images, which nobody does: what balance could give at best."""
    candidates = Candidates(np.array([f"{row:07d}" for row in range(len(vectors))]), vectors, seed=1)
    images = Vectors(vectors)
    amounts = Classes(list(classes), np.eye(len(classes))[labels.astype(int)], "label")
    ways: dict[str, list[tuple[Any, Any]]] = {
        "diversity": [(diversity, images)],
        "typicality": [(typicality, images)],
        "typicality and diversity": [(typicality, images), (diversity, images)],
        "coverage": [(coverage, images)],
        "hierarchical k-means": [(hierarchical_kmeans, images)],
        "diversity, classes balanced (labels known)": [(diversity, images), (balance, amounts)],
        "typicality and diversity, classes balanced (labels known)": [(typicality, images), (diversity, images), (balance, amounts)],
    }
    found = {}
    for way, parts in ways.items():
        made = [Weighted(f"{number}", _built(module, values, candidates)) for number, (module, values) in enumerate(parts)]
        found[way] = choose(candidates, made, n).rows
    return found


def by_diversity(names: int, vectors: Array | None, objects: Objects | None, n: int) -> Array:
    """``n`` images by diversity of their own vectors, or of their objects'."""
    candidates = Candidates(np.array([f"{row:07d}" for row in range(names)]), vectors, objects={} if objects is None else {"cells": objects}, seed=1)
    strategy = diversity.build(diversity.Config(), Vectors(vectors if objects is None else None, objects), candidates)
    return choose(candidates, [Weighted("diversity", strategy)], n).rows


def show(line: Mapping[str, Any]) -> None:
    """One line of output."""
    print(json.dumps(line), flush=True)


def said(text: str) -> None:
    """Progress, for the eye."""
    print(text, file=sys.stderr, flush=True)


def _built(module: Any, values: Any, candidates: Candidates) -> Any:
    config = module.Config(distribution="UNIFORM") if module is balance else module.Config()
    return module.build(config, values, candidates)


def _run(out: Path, begin: Callable[[], Any], go_on: Callable[[], Any]) -> None:
    record = out / "run.json"
    if record.exists() and json.loads(record.read_text())["state"] == "done":
        return
    said(f"training {out.name}")
    go_on() if record.exists() else begin()


def _square(pixels: Array) -> Array:
    """A crop (C, H, W) to (40, 40, C): its shorter side to 40 px, then its middle."""
    tensor = torch.from_numpy(pixels.copy())[None].float()
    scale = CELL_SIDE / min(tensor.shape[-2:])
    sides = [max(CELL_SIDE, round(side * scale)) for side in tensor.shape[-2:]]
    whole = F.interpolate(tensor, size=sides, mode="bilinear", antialias=True, align_corners=False)[0]
    top, left = ((side - CELL_SIDE) // 2 for side in sides)
    middle = whole[:, top : top + CELL_SIDE, left : left + CELL_SIDE]
    return middle.round().clamp(0, 255).byte().permute(1, 2, 0).numpy()


def _step(count: int, level: Level) -> int:
    return 1 if level.limit is None else max(1, count // level.limit)
