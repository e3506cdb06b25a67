"""The claim "Embeddings From the Target Model vs. an SSL Model", tested: what is in the embeddings of three models, and what they select.

The claim: a model trained on the labels encodes what tells the classes apart and leaves out the rest, such as lighting; one trained without labels
encodes lighting and perspective too, is not touched by label errors, and therefore selects better. Compared on PneumoniaMNIST and on the cells of
BCCD: our encoder trained by SimCLR on those images, EfficientNet-Lite0 (ImageNet), and our network trained end to end on the labels, once as they
are and once with a fifth of the training labels flipped. For each: accuracy of 20 nearest neighbours on the test split, with true and with flipped
labels; how well the brightness, the blur and the rotation that were applied to an image can be read back from its embedding (R2 of a ridge
regression on images it has not seen, strength chosen on a part of the others); and probes on 100 training images selected by the diversity of its embeddings
beside random ones, on EfficientNet's features for all. Intervals of 95 % draw test images (of cells whole images). ``--small``: to see that it runs.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from benchmarks import _selection as shared
from torch.nn import functional as F

from vesalius.encoders.encoder import Encoder
from vesalius.measures import bootstrap, knn, ridge, selection_probe, selection_quality
from vesalius.measures.metrics import measure
from vesalius.measures.selection_probe import HeldOut

SELECTED = 100
FLIPPED = 0.2
ALTERED = 1500
"""Test images that are altered, at most; of these the last third is predicted."""
MODELS = ("SimCLR on these images", "EfficientNet-Lite0, ImageNet", "target model", "target model, flipped labels")
NEUTRAL = MODELS[1]
STRENGTHS = [10.0**power for power in range(-6, 3)]


def main() -> None:
    """Lines for both data sets."""
    asked = shared.given()
    for key, images in (("pneumonia", shared.pneumonia(asked)), ("cells", shared.cells(asked))):
        wrong = flipped(images)
        models = encoders(asked, key, images, wrong)
        found = shared.kept(asked.folder / f"claim-{key}.json", lambda k=key, i=images, w=wrong, m=models: examined(asked, k, i, w, m))
        counts = ", ".join(f"{len(images.of(split)):,} {split}" for split in ("train", "test"))
        epochs = f"SimCLR {shared.epochs(asked, images):g} epochs, target {asked.level.target:g}"
        line = {"setting": f"{images.name}, {images.side} px, {counts}; {epochs}", "level": asked.level.name}
        shared.show({"name": f"embeddings of {images.name}", **line, "models": found["models"], "heads": heads(asked, key)})
        shared.show({"name": f"selections from {images.name}", **line, "models": found["selections"]})


def heads(asked: shared.Given, key: str) -> dict[str, float]:
    """How right the target models' own heads answer on the test split: balanced accuracy, which no embedding is asked for."""
    found = {}
    for title, name in (("target model", f"{key}-target"), ("target model, flipped labels", f"{key}-flipped-target")):
        scores = json.loads((asked.folder / name / "results.json").read_text())["scores"]
        found[title] = next(float(row["value"]) for row in scores if row["split"] == "test" and row["metric"] == "balanced_accuracy")
    return found


def flipped(images: shared.Images) -> np.ndarray:
    """Labels of which a fifth of the training ones is another class, drawn."""
    rng = np.random.default_rng(5)
    train = images.of("train")
    some = rng.choice(train, round(FLIPPED * len(train)), replace=False)
    labels = images.labels.copy()
    labels[some] = (labels[some] + rng.integers(1, len(images.classes), len(some))) % len(images.classes)
    return labels


def encoders(asked: shared.Given, key: str, images: shared.Images, wrong: np.ndarray) -> dict[str, tuple[str, Encoder, int]]:
    """By title: a word for files, the encoder, the side it looks at."""
    made: tuple[tuple[str, Callable[[], Encoder], int], ...] = (
        ("ssl", lambda: shared.ssl(asked, images, key), images.side),
        ("lite0", shared.efficientnet, shared.EFFICIENTNET_SIDE),
        ("target", lambda: shared.target(asked, images, key), images.side),
        ("flipped", lambda: shared.target(asked, images, f"{key}-flipped", wrong), images.side),
    )
    return {title: (word, make(), side) for title, (word, make, side) in zip(MODELS, made, strict=True)}


def examined(asked: shared.Given, key: str, images: shared.Images, wrong: np.ndarray, models: Mapping[str, tuple[str, Encoder, int]]) -> dict[str, Any]:
    """Everything of one data set."""
    vectors = {title: shared.embedded(asked, encoder, images.pixels, side, f"{key}-by-{word}") for title, (word, encoder, side) in models.items()}
    found = {}
    for title, (word, encoder, side) in models.items():
        shared.said(f"{images.name}: {title}")
        found[title] = {**neighbours(images, vectors[title], wrong, asked.level.replicates)}
        for change in CHANGES:
            found[title] |= read_back(asked, key, images, encoder, side, word, change)
    return {"models": found, "selections": selections(asked, images, vectors)}


def neighbours(images: shared.Images, vectors: np.ndarray, wrong: np.ndarray, replicates: int) -> dict[str, float]:
    """Accuracy and balanced accuracy of 20 nearest neighbours among the training images, with true and with flipped labels."""
    train, test = images.of("train"), images.of("test")
    truth = torch.from_numpy(images.labels[test])
    unit = np.unique(images.owner[test], return_inverse=True)[1]
    weights = torch.cat(list(bootstrap.weights(unit, replicates, 0)), 1).double()
    found: dict[str, float] = {}
    for labels, name in ((images.labels, "kNN"), (wrong, "kNN, flipped labels")):
        said = knn.predict(torch.from_numpy(vectors[test]), torch.from_numpy(vectors[train]), torch.from_numpy(labels[train]), len(images.classes))
        for metric in ("accuracy", "balanced_accuracy"):
            low, high = bootstrap.interval(measure(metric, "classes", truth, said.double(), weights))
            word = f"{name} {metric.replace('_', ' ')}"
            found |= {word: float(measure(metric, "classes", truth, said.double())[0]), f"{word}, low": low, f"{word}, high": high}
    return found


def brightness(pixels: torch.Tensor, amount: torch.Tensor) -> torch.Tensor:
    """Times 0.6 to 1.4."""
    return (pixels * (1 + 0.4 * amount)[:, None, None, None]).clamp(0, 1)


def blur(pixels: torch.Tensor, amount: torch.Tensor) -> torch.Tensor:
    """By a Gaussian of up to 7 % of the side."""
    side = pixels.shape[-1]
    sigma = (0.035 * side * (amount + 1)).clamp(min=0.05)
    reach = max(1, round(3 * 0.07 * side))
    at = torch.arange(-reach, reach + 1).float()
    kernel = torch.exp(-(at**2) / (2 * sigma[:, None] ** 2))
    kernel = kernel / kernel.sum(1, keepdim=True)
    n, c = pixels.shape[:2]
    wide = F.pad(pixels, (reach,) * 4, mode="replicate").reshape(1, n * c, side + 2 * reach, side + 2 * reach)
    each = kernel.repeat_interleave(c, 0)
    lines = F.conv2d(wide, each[:, None, None, :], groups=n * c)
    return F.conv2d(lines, each[:, None, :, None], groups=n * c).reshape(pixels.shape)


def rotation(pixels: torch.Tensor, amount: torch.Tensor) -> torch.Tensor:
    """By up to 25 degrees to either side, about the middle; beyond the edge the edge goes on."""
    angle = torch.deg2rad(25 * amount)
    cos, sin, zero = angle.cos(), angle.sin(), torch.zeros_like(angle)
    grid = F.affine_grid(torch.stack([torch.stack([cos, -sin, zero], 1), torch.stack([sin, cos, zero], 1)], 1), list(pixels.shape), align_corners=False)
    return F.grid_sample(pixels, grid, mode="bilinear", padding_mode="border", align_corners=False)


CHANGES: Mapping[str, Callable[[torch.Tensor, torch.Tensor], torch.Tensor]] = {"brightness": brightness, "blur": blur, "rotation": rotation}


def read_back(asked: shared.Given, key: str, images: shared.Images, encoder: Encoder, side: int, word: str, change: str) -> dict[str, float]:
    """R2 of the amount of ``change``, drawn evenly for each test image, from the embeddings of the altered images."""
    rows = images.of("test")[:ALTERED]
    amount = torch.from_numpy(np.random.default_rng(len(change)).uniform(-1, 1, len(rows)).astype(np.float32))
    plain = torch.from_numpy(images.pixels[rows]).permute(0, 3, 1, 2).float() / 255
    altered = (255 * CHANGES[change](plain, amount)).round().byte().permute(0, 2, 3, 1).contiguous().numpy()
    vectors = torch.from_numpy(shared.embedded(asked, encoder, altered, side, f"{key}-{change}-by-{word}"))
    owners = np.unique(images.owner[rows])  # images come whole to one part: cells of one are alike
    part = np.searchsorted(owners, images.owner[rows]) * 6 // len(owners)
    fit, tune, test = (torch.from_numpy(np.flatnonzero(np.isin(part, some))) for some in ((0, 1, 2), (3,), (4, 5)))
    lines = ridge.path(vectors[fit], amount[fit], STRENGTHS)
    best = min(lines, key=lambda line: float((line.values(vectors[tune]) - amount[tune]).square().mean()))
    error = (best.values(vectors[test]) - amount[test]).square()
    unit = np.unique(images.owner[rows][test.numpy()], return_inverse=True)[1]
    weights = torch.cat(list(bootstrap.weights(unit, asked.level.replicates, 0)), 1).double()
    low, high = bootstrap.interval(r2(error, amount[test].double(), weights))
    return {change: float(r2(error, amount[test].double(), torch.ones(len(test), 1).double())[0]), f"{change}, low": low, f"{change}, high": high}


def r2(error: torch.Tensor, truth: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Share of the variance that is explained, for each weighting (N, R)."""
    mean = (truth @ weights) / weights.sum(0)
    spread = ((truth[:, None] - mean) ** 2 * weights).sum(0)
    return 1 - (error.double() @ weights) / spread


def selections(asked: shared.Given, images: shared.Images, vectors: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Probes on what the diversity of each embedding selects, all on the same features."""
    pool, test = images.of("train"), images.of("test")
    n = min(SELECTED, len(pool) // 3)
    features = vectors[NEUTRAL]
    held = HeldOut.of(torch.from_numpy(features[test]), torch.from_numpy(images.labels[test]), images.owner[test])
    others = selection_quality.at_random(np.arange(len(pool)), n, asked.level.seeds, seed=9)
    kind = "binary" if len(images.classes) == 2 else "classes"
    known = torch.from_numpy(features[pool]), torch.from_numpy(images.labels[pool])
    found = {}
    for title, own in vectors.items():
        rows = shared.by_diversity(len(pool), own[pool], None, n)
        judged = selection_probe.judged(*known, rows, others, held, kind, len(images.classes), replicates=asked.level.replicates)
        kinds = np.bincount(images.labels[pool][rows].astype(int), minlength=len(images.classes))
        found[title] = {"selected": n, **{f"{name} among them": int(count) for name, count in zip(images.classes, kinds, strict=True)}}
        for one in judged:
            found[title] |= {f"{one.metric} {field}": getattr(one, field) for field in ("value", "random", "difference", "difference_low", "difference_high")}
    return found


if __name__ == "__main__":
    main()
