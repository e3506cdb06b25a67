"""Two corrupted views and the clean patch of 96 voxels, per core: ours against the tutorial's transforms on MONAI.

The peer is MONAI's self-supervised tutorial from where its volumes are windowed and cropped on (transforms 7 to 12): two random
patches of each of four volumes, copied, and for each of two views a choice of RandCoarseDropout (six holes of 5 to 32 voxels
filled, or all but six boxes of 20 to 64) and RandCoarseShuffle (ten blocks of 8). It starts from floating point in memory, as its
CacheDataset holds it; ours from the store's integers, windowed on the way. Both make eight patches a batch; nothing is read from disk.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from vesalius import views
from vesalius.data.pixels import Pixels
from vesalius.data.volumes.ground import Ground

warnings.filterwarnings("ignore")
torch.set_num_threads(1)

VOLUMES, SIDE, PATCH = 4, 160, 96
LOW, HIGH = -57.0, 164.0
"""HU that become 0 and 1."""


def phantoms() -> np.ndarray:
    """``(VOLUMES, 1, SIDE, SIDE, SIDE)`` HU as int16: smooth tissue with noise, air around it."""
    g = torch.Generator().manual_seed(0)
    coarse = torch.rand(VOLUMES, 1, 10, 10, 10, generator=g) * 500 - 250
    whole = torch.nn.functional.interpolate(coarse, (SIDE, SIDE, SIDE), mode="trilinear")
    return (whole + torch.randn(whole.shape, generator=g) * 20).round().to(torch.int16).numpy()


def ours(hu: np.ndarray, recipe: Any = "ct-restoration") -> Callable[[], Any]:
    """Numbers drawn, windows cut out of stored integers, views made: two patches of each volume."""
    made = views.load(recipe, 1)
    rows = np.repeat(np.arange(VOLUMES), 2)
    ids, extents = rows.astype(np.uint64), np.full((len(rows), 3), SIDE)
    points = np.random.default_rng(0).integers(0, SIDE, (VOLUMES, 1024, 3)).astype(np.int32)
    box = np.tile([[[0] * 3, [SIDE] * 3]], (len(rows), 1, 1))
    stored = (hu + 1024).astype(np.uint16)
    scale = torch.full((len(rows), 1), 1 / (HIGH - LOW))
    offset = torch.full((len(rows), 1), (-1024 - LOW) / (HIGH - LOW))
    epoch = 0

    def batch() -> Any:
        nonlocal epoch
        epoch += 1
        draws = made.draw(0, epoch, rows, ids, extents, np.arange(len(rows)) % 2, ground=Ground(box, points[rows]))
        cut = np.empty((len(rows), 1, 1, *(draws.windows[0, 0, 1] - draws.windows[0, 0, 0])), np.uint16)
        for i, row in enumerate(rows):
            cut[i, 0] = stored[(row, slice(None), *(slice(a, b) for a, b in zip(*draws.windows[i, 0])))]
        sides = torch.from_numpy(draws.windows[:, :, 1] - draws.windows[:, :, 0])
        return made.apply(Pixels(torch.from_numpy(cut), sides, scale, offset, clip=True), draws)

    return batch


def peer(hu: np.ndarray) -> Callable[[], Any]:
    """The tutorial's list from RandSpatialCropSamplesd on, volume by volume."""
    from monai.data import MetaTensor
    from monai.transforms import (
        Compose,
        CopyItemsd,
        OneOf,
        RandCoarseDropoutd,
        RandCoarseShuffled,
        RandSpatialCropSamplesd,
    )

    windowed = np.clip((hu.astype(np.float32) - LOW) / (HIGH - LOW), 0, 1)
    volumes = [MetaTensor(volume, affine=torch.diag(torch.tensor([2.0, 2, 2, 1]))) for volume in windowed]  # as LoadImaged gives them

    def corrupted(key: str) -> list[Any]:
        holes = [
            RandCoarseDropoutd(keys=[key], prob=1.0, holes=6, spatial_size=least, dropout_holes=inside, max_spatial_size=most)
            for least, most, inside in ((5, 32, True), (20, 64, False))
        ]
        return [OneOf(transforms=holes), RandCoarseShuffled(keys=[key], prob=0.8, holes=10, spatial_size=8)]

    chain = Compose([
        RandSpatialCropSamplesd(keys=["image"], roi_size=(PATCH,) * 3, random_size=False, num_samples=2),
        CopyItemsd(keys=["image"], times=2, names=["gt_image", "image_2"], allow_missing_keys=False),
        *corrupted("image"),
        *corrupted("image_2"),
    ])  # fmt: skip
    chain.set_random_state(0)

    def batch() -> Any:
        made = [item for volume in volumes for item in chain({"image": volume})]
        return {key: torch.stack([item[key] for item in made]) for key in ("image", "gt_image", "image_2")}

    return batch


def mean_of(work: Callable[[], Any], calls: int) -> float:
    """Mean processor time of one call: what is drawn makes calls unlike, so their least would flatter."""
    begun = time.process_time()
    for _ in range(calls):
        work()
    return (time.process_time() - begun) / calls


def main() -> None:
    """Both in turns; the least of several means."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--full", action="store_true")
    rounds = 12 if parser.parse_args().full else 4
    hu = phantoms()
    mine, theirs = ours(hu), peer(hu)
    found = mine()
    assert found.views["corrupted"].shape == (2, 2 * VOLUMES, 1, PATCH, PATCH, PATCH)
    theirs()
    best = [float("inf"), float("inf")]
    for _ in range(rounds):
        best[0] = min(best[0], mean_of(mine, 12))
        best[1] = min(best[1], mean_of(theirs, 2))
    line = {
        "name": f"views of volumes, restoration, {PATCH} voxels, against the tutorial's transforms on MONAI",
        "ours": round(best[0] * 1e3 / (2 * VOLUMES), 2),
        "peer": round(best[1] * 1e3 / (2 * VOLUMES), 2),
        "ratio": round(best[1] / best[0], 1),
        "unit": "milliseconds of processor time per patch with its two corrupted views, ratio is peer / ours",
        "setting": f"one thread, 2 patches of each of {VOLUMES} volumes of {SIDE} voxels a side, torch {torch.__version__}; the peer stacks its batch too",
    }
    print(json.dumps(line))


if __name__ == "__main__":
    main()
