"""InnerEye's augmentations of radiographs, two views of 224 px of a grey image of 1024 px, per core, against two rebuilds.

The first rebuild has the original's documented order and types: tensor operations on three equal channels, SciPy's elastic. The
second is a fair one: one channel, the image resized once to 256 px for both views, torchvision v2, displacements smoothed by SciPy
(torchvision's own blur takes ten times as long) and applied by torchvision. All start from the same 8-bit array of 1024 px;
nothing is decoded on any side. Beside it: ours from the 280 px that a run's store holds.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from benchmarks.views_peer import ours, photographs
from scipy.ndimage import gaussian_filter, map_coordinates
from torch import Tensor
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional as F

RECIPE = "radiograph-innereye-encoder"
SOURCE, BATCH, ROUNDS = 1024, 8, 4
torch.set_num_threads(1)


def field(side: int) -> np.ndarray:
    """``(2, side, side)``: uniform noise smoothed with sigma 4, times 34, in pixels."""
    noise = np.random.rand(2, side, side).astype(np.float32) * 2 - 1
    return np.stack([gaussian_filter(part, 4, mode="constant") * 34 for part in noise])


def elastic_scipy(x: Tensor) -> Tensor:
    """The original's: every channel by ``map_coordinates``, in two of five views."""
    if np.random.rand() >= 0.4:
        return x
    dx, dy = field(x.shape[-1])
    y, z = np.mgrid[: x.shape[1], : x.shape[2]].astype(np.float32)
    return torch.from_numpy(np.stack([map_coordinates(plane, [y + dy, z + dx], order=1, mode="constant") for plane in x.numpy()]))


def elastic_torchvision(x: Tensor) -> Tensor:
    """The same displacements by torchvision's ``elastic``."""
    if np.random.rand() >= 0.4:
        return x
    side = x.shape[-1]
    moved = torch.from_numpy(field(side)).permute(1, 2, 0)[None] * (2 / side)
    return F.elastic(x, moved, interpolation=v2.InterpolationMode.BILINEAR)


def gamma(x: Tensor) -> Tensor:
    """A power drawn from 0.5 to 1.5."""
    return F.adjust_gamma(x.clamp(0, 1), float(np.random.uniform(0.5, 1.5)))


def noise(x: Tensor) -> Tensor:
    """One plane of noise for all channels, in half of the views, clamped to the image's own range."""
    if np.random.rand() >= 0.5:
        return x
    return torch.clamp(x + torch.randn(x.shape[-2:]) * 0.05, x.min(), x.max())


def pipeline(elastic: Callable[[Tensor], Tensor], interpolation: v2.InterpolationMode) -> list[Callable[[Tensor], Tensor]]:
    """Affine, crop, flip, gamma, colour, elastic, centre crop, erasing, noise."""
    return [
        v2.RandomAffine(180, translate=(0.0, 0.0), shear=40, interpolation=interpolation),
        v2.RandomResizedCrop(256, scale=(0.4, 1.0), antialias=True),
        v2.RandomHorizontalFlip(0.5),
        gamma,
        v2.ColorJitter(brightness=0.2, contrast=0.2, saturation=0.0),
        elastic,
        v2.CenterCrop(224),
        v2.RandomErasing(0.5, scale=(0.15, 0.4), ratio=(0.33, 3)),
        noise,
    ]


def through(steps: list[Callable[[Tensor], Tensor]], x: Tensor) -> Tensor:
    """``x`` after every step."""
    for step in steps:
        x = step(x)
    return x


def original(images: np.ndarray) -> Callable[[], None]:
    """Each image of 1024 px to three channels of floating point, twice through all of it."""
    steps = pipeline(elastic_scipy, v2.InterpolationMode.NEAREST)

    def batch() -> None:
        for image in images:
            for _ in range(2):
                through(steps, (torch.from_numpy(image)[None].float() / 255).repeat(3, 1, 1))

    return batch


def fair(images: np.ndarray) -> Callable[[], None]:
    """One channel, resized once to 256 px, twice through the rest."""
    steps = pipeline(elastic_torchvision, v2.InterpolationMode.BILINEAR)

    def batch() -> None:
        for image in images:
            small = F.resize(torch.from_numpy(image)[None], [256, 256], antialias=True).float() / 255
            for _ in range(2):
                through(steps, small)

    return batch


def main() -> None:
    """Ours and both rebuilds in turns, the least processor time of each; one line for each rebuild."""
    np.random.seed(0)
    torch.manual_seed(0)
    images = np.ascontiguousarray(photographs(BATCH, SOURCE)[..., 0])
    small = F.resize(torch.from_numpy(images)[:, None], [280, 280], antialias=True)[:, 0].numpy()
    work = {"ours": ours(RECIPE, images[..., None]), "store": ours(RECIPE, small[..., None]), "original": original(images[:3]), "fair": fair(images)}
    each = {"ours": BATCH, "store": BATCH, "original": 3, "fair": BATCH}
    best = dict.fromkeys(work, float("inf"))
    for run in work.values():
        run()
    for _ in range(ROUNDS):
        for name, run in work.items():
            best[name] = min(best[name], mean_of(run, 1.0) / (2 * each[name]) * 1e6)
    setting = f"one thread, {BATCH} images of {SOURCE} px in 8 bits, 2 views of 224 px each, elastic included, torch {torch.__version__}"
    peers = {
        "InnerEye's list in its order and types": ("original", "three channels, SciPy's elastic"),
        "a fair rebuild": ("fair", "one channel, resized once to 256 px, torchvision v2"),
    }
    for name, (peer, how) in peers.items():
        line: dict[str, Any] = {
            "name": f"radiograph views, 224 px, against {name}",
            "ours": round(best["ours"], 1),
            "peer": round(best[peer], 1),
            "ratio": round(best[peer] / best["ours"], 2),
            "unit": "microseconds of processor time per view, ratio is peer / ours",
            "setting": f"{setting}; the peer: {how}",
            "ours from a store of 280 px": round(best["store"], 1),
        }
        print(json.dumps(line))


def mean_of(work: Callable[[], None], seconds: float) -> float:
    """Mean processor time of one call in as many as fit ``seconds``: what is drawn makes calls unlike, so their least would flatter."""
    begun, calls = time.process_time(), 0
    while calls < 2 or time.process_time() - begun < seconds:
        work()
        calls += 1
    return (time.process_time() - begun) / calls


if __name__ == "__main__":
    main()
