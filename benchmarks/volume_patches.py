"""How fast patches of 96 voxels are had: from the store, against reading and cropping the files again in every epoch.

The peer is MONAI's self-supervised tutorial up to its random patches (transforms 1 to 7): LoadImage of gzip NIfTI, 2 mm, window
-57 to 164 HU, CropForeground, SpatialPad, two random patches of each volume, with ``Dataset`` (nothing held in memory, as for data
that do not fit). Ours reads two patches of each stored volume and scales them. Phantoms of an abdomen of 512 x 512 x 80 voxels of
0.8 x 0.8 x 5 mm, int16. Other lines: the store packed by Blosc2 against raw; raw against numpy's copy of the same box, the
least that reading can take; and after how many epochs building the store has paid. One thread each; files and store lie in
the page cache.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tests.trees.phantoms import abdomen
from tests.volumes import write

from vesalius.data import store
from vesalius.data.plan import Intensity, Plan
from vesalius.data.table import SampleTable

warnings.filterwarnings("ignore")
torch.set_num_threads(1)

PATCH, EACH = 96, 2
LOW, HIGH = -57.0, 164.0
PLAN = Plan(modality="ct", orientation="native", spacing=(2, 2, 2), foreground=LOW, intensity=Intensity(rule="window", low=LOW, high=HIGH))


def phantoms(folder: Path, count: int, shape: tuple[int, int, int]) -> list[Path]:
    """``count`` CT volumes as gzip NIfTI."""
    made = []
    for number in range(count):
        image, _, affine = abdomen(shape, number)
        made.append(write(folder / f"{number:03}.nii.gz", image, affine))
    return made


def peer(files: list[Path]) -> Callable[[], Any]:
    """One epoch of the tutorial's patches: ``EACH`` of every volume."""
    from monai.transforms import (
        Compose,
        CropForegroundd,
        EnsureChannelFirstd,
        LoadImaged,
        RandSpatialCropSamplesd,
        ScaleIntensityRanged,
        Spacingd,
        SpatialPadd,
    )

    keys = ["image"]
    chain = Compose([
        LoadImaged(keys=keys),
        EnsureChannelFirstd(keys=keys),
        Spacingd(keys=keys, pixdim=PLAN.spacing, mode="bilinear"),
        ScaleIntensityRanged(keys=keys, a_min=LOW, a_max=HIGH, b_min=0.0, b_max=1.0, clip=True),
        CropForegroundd(keys=keys, source_key="image", allow_smaller=True),
        SpatialPadd(keys=keys, spatial_size=(PATCH,) * 3),
        RandSpatialCropSamplesd(keys=keys, roi_size=(PATCH,) * 3, random_size=False, num_samples=EACH),
    ])  # fmt: skip
    chain.set_random_state(0)
    return lambda: [torch.stack([item["image"] for item in chain({"image": str(file)})]) for file in files]


def ours(built: store.VolumeStore) -> Callable[[], Any]:
    """One epoch: ``EACH`` random windows of every record, read and scaled."""
    draw = np.random.default_rng(0)
    out: list[Any] = [None]

    def epoch() -> Any:
        for row in range(len(built)):
            rows = np.full((EACH, 1), row)
            sides = np.minimum(built.extents[rows], PATCH)
            starts = (draw.random(sides.shape) * (built.extents[rows] - sides + 1)).astype(np.int64)
            out[0] = pixels = built.read(rows, np.stack([starts, starts + sides], 2), out[0])
            scale, offset = (part.view(EACH, 1, 1, 1, 1, 1) for part in (pixels.scale, pixels.offset))
            values = pixels.data.float().mul_(scale).add_(offset).clamp_(0, 1)
        return values

    return epoch


def reads(built: store.VolumeStore, copies: int) -> tuple[float, float]:
    """Milliseconds of processor time of one patch by ``read`` into memory used again, and by numpy's copy of the same box; medians."""
    draw, out = np.random.default_rng(1), None
    target = np.empty((PATCH,) * 3, np.uint16)
    times: list[list[float]] = [[], []]
    for number in range(copies):
        rows = np.array([[number % len(built)]])
        sides = np.minimum(built.extents[rows], PATCH)
        starts = (draw.random(sides.shape) * (built.extents[rows] - sides + 1)).astype(np.int64)
        windows = np.stack([starts, starts + sides], 2)
        begun = time.process_time()
        out = built.read(rows, windows, out)
        times[0].append(time.process_time() - begun)
        box, there = (tuple(map(slice, *ends)) for ends in (windows[0, 0], (np.zeros(3, int), sides[0, 0])))
        begun = time.process_time()
        np.copyto(target[there], built.array(int(rows[0, 0]))[0][box])
        times[1].append(time.process_time() - begun)
    return float(np.median(times[0]) * 1e3), float(np.median(times[1]) * 1e3)


def clocked(work: Callable[[], Any], rounds: int) -> float:
    """Seconds of processor time of one call, the median of ``rounds``."""
    times = []
    for _ in range(rounds):
        begun = time.process_time()
        work()
        times.append(time.process_time() - begun)
    return float(np.median(times))


def say(name: str, ours: float, peer: float, unit: str, setting: str) -> None:
    """One line; the ratio is peer / ours."""
    line = {"name": name, "ours": round(ours, 3), "peer": round(peer, 3), "ratio": round(peer / ours, 1), "unit": unit, "setting": setting}
    sys.stdout.write(json.dumps(line) + "\n")


def main() -> None:
    """Four volumes with ``--full``, else two."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--side", type=int, default=512, help="voxels along x and y; fewer to try it")
    options = parser.parse_args()
    count, rounds = (4, 5) if options.full else (2, 3)
    shape = (options.side, options.side, 80)
    with tempfile.TemporaryDirectory() as name:
        os.environ["VESALIUS_CACHE"] = f"{name}/key"
        files = phantoms(Path(name) / "set", count, shape)
        table = SampleTable.of("phantoms", Path(name) / "set", [file.name for file in files], dims=3)
        store.build(table.subset([0]), PLAN, cache=Path(name) / "warm", threads=1)
        begun = time.process_time()
        raw = store.build(table, PLAN, cache=Path(name) / "raw", threads=1)
        built = time.process_time() - begun
        packed = store.build(table, PLAN, cache=Path(name) / "packed", threads=1, codec="blosc2")
        mine, theirs = ours(raw), peer(files)
        mine()
        again, once = clocked(theirs, rounds) / count / EACH, clocked(mine, 20 * rounds) / count / EACH
        copied, unpacked = reads(raw, 200), reads(packed, 60)
    sides = " x ".join(map(str, raw.extents[0]))
    setting = f"one thread, {count} phantoms of {' x '.join(map(str, shape))} voxels, stored as about {sides} at 2 mm, torch {torch.__version__}"
    patch = f"milliseconds of processor time per patch of {PATCH} voxels"
    say("patches from the store, against MONAI reading the files again", once * 1e3, again * 1e3, f"{patch}, scaled", setting)
    say("a patch read from the store, against numpy's copy of the same box", *copied, patch, setting)
    ratio = packed.nbytes / raw.nbytes
    say("a patch read raw, against packed by Blosc2", copied[0], unpacked[0], f"{patch}; packed, the store takes {ratio:.0%} of the room", setting)
    epochs = built / (count * EACH * (again - once))
    say("epochs after which building the store has paid", epochs, 1.0, "epochs; the peer pays its reading in each", f"{setting}; built in {built:.1f} s")


if __name__ == "__main__":
    main()
