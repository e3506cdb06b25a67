"""Every model of the zoo at its full size, from its file to torchvision's features: ``python -m tests.encoders.zoo.all_round_trips``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.encoders.zoo import files
from vesalius.encoders import load_encoder
from vesalius.encoders.preparing import prepare
from vesalius.encoders.published import required

TOLERANCE = 1e-5
NAMES = (
    *("pirl", "moco-v2", "swav", "supervised_r50", "supervised_r18", "supervised_d121", "mimic-chexpert_lr_0.01"),
    *("mimic-chexpert_lr_0.1", "mimic-chexpert_lr_1.0", "mimic-cxr_r18_lr_1e-4", "mimic-cxr_d121_lr_1e-4"),
)
"""Those whose container torch writes; TensorFlow's and Haiku's are written by their own libraries (see their tests)."""


def difference(name: str, folder: Path, *, zipped: bool) -> float:
    """The largest difference to torchvision's features over the largest feature."""
    family, model = required(name)
    tensors = files.drawn(model.architecture, seed=len(name))
    prepare(files.write(folder, name, model.file, tensors, zipped=zipped), family, model, folder / "made")
    ours, theirs = files.features(load_encoder(folder / "made"), tensors)
    return float((ours - theirs).abs().max() / theirs.abs().max())


def main() -> int:
    """Print a line of JSON for each; 1 where one differs."""
    worst = 0.0
    for number, name in enumerate(NAMES):
        zipped = number % 2 == 0
        with TemporaryDirectory() as folder:
            found = difference(name, Path(folder), zipped=zipped)
        worst = max(worst, found)
        print(json.dumps({"name": name, "network": required(name)[1].architecture, "zipped": zipped, "difference": found}), flush=True)
    return int(not worst <= TOLERANCE)


if __name__ == "__main__":
    sys.exit(main())
