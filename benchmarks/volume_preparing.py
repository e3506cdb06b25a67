"""What one CT volume takes of memory while it is prepared: read, resampled to 2 mm, its foreground found, cut out and stored.

The peer is MONAI's tutorial up to its crops (LoadImage, Spacing, ScaleIntensityRange, CropForeground) on the same file. Each side in a
process of its own; counted is the most memory that no file stands behind (``RssAnon``), above what there was before. A phantom of 512 x 512 x
200 voxels, int16, gzip; ``--full``: 800 slices, as the documents say it. Prints one JSON line, with the seconds of each.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

from benchmarks.evaluation_memory import Peak

PLANE = (512, 512)
LOW, HIGH = -57.0, 164.0


def ours(file: Path) -> None:
    """Build a store of it."""
    from vesalius.data import store
    from vesalius.data.plan import Intensity, Plan
    from vesalius.data.table import SampleTable

    plan = Plan(modality="ct", orientation="native", spacing=(2, 2, 2), foreground=LOW, intensity=Intensity(rule="window", low=LOW, high=HIGH))
    store.build(SampleTable.of("phantom", file.parent, [file.name], dims=3), plan, cache=file.parent / "cache", threads=1)


def peer(file: Path) -> None:
    """The tutorial's transforms 1 to 5."""
    from monai import transforms as t

    keys = ["image"]
    t.Compose([
        t.LoadImaged(keys=keys), t.EnsureChannelFirstd(keys=keys), t.Spacingd(keys=keys, pixdim=(2.0, 2.0, 2.0), mode="bilinear"),
        t.ScaleIntensityRanged(keys=keys, a_min=LOW, a_max=HIGH, b_min=0.0, b_max=1.0, clip=True),
        t.CropForegroundd(keys=keys, source_key="image", allow_smaller=True),
    ])({"image": str(file)})  # fmt: skip


def measured(side: str, file: Path, threads: int) -> dict[str, float]:
    """Bytes and seconds of one side, in a process of its own."""
    words = ["-W", "ignore", "-m", "benchmarks.volume_preparing", "--side", side, "--file", str(file), "--threads", str(threads)]
    done = subprocess.run([sys.executable, *words], check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])  # type: ignore[no-any-return]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--full", action="store_true", help="800 slices")
    parser.add_argument("--slices", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--side", choices=("ours", "peer"))
    parser.add_argument("--file", type=Path)
    given = parser.parse_args()
    warnings.filterwarnings("ignore")
    if given.side:
        import monai.transforms  # noqa: F401  # what is imported later would count
        import torch

        torch.set_num_threads(given.threads)
        os.environ["VESALIUS_CACHE"] = str(given.file.parent / "cache")
        began = time.perf_counter()
        with Peak() as held:
            (ours if given.side == "ours" else peer)(given.file)
        print(json.dumps({"bytes": held.most, "seconds": time.perf_counter() - began}))
        return
    from tests.trees.phantoms import abdomen
    from tests.volumes import write

    shape = (*PLANE, given.slices or (800 if given.full else 200))
    with tempfile.TemporaryDirectory() as folder:
        file = write(Path(folder) / "phantom.nii.gz", *abdomen(shape, 0)[::2])
        found = {side: measured(side, file, given.threads) for side in ("ours", "peer")}
    mine, theirs = (found[side]["bytes"] / 2**30 for side in ("ours", "peer"))
    setting = f"a CT phantom of {' x '.join(map(str, shape))} voxels, {given.threads} threads, above what the imports take"
    line = {"name": "memory while a CT volume is prepared", "ours": round(mine, 3), "peer": round(theirs, 3), "ratio": round(theirs / mine, 2)}
    print(json.dumps({**line, "unit": "GiB", "setting": setting, "seconds": {side: round(one["seconds"], 1) for side, one in found.items()}}))


if __name__ == "__main__":
    main()
