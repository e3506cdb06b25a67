"""SimCLR-v1 and BYOL at full size, from checkpoints that TensorFlow and Haiku write, against those networks' own forward.

    PROVE_TENSORFLOW=PYTHON python -m docs.proofs.originals simclr-v1 [FOLDER]
    PROVE_HAIKU=PYTHON python -m docs.proofs.originals byol [FOLDER]

PYTHON: of an environment of its own with tensorflow-cpu==2.15.1, or with jax[cpu], dm-haiku, optax and dill (Python 3.11). It runs
``tests/encoders/zoo/make_*.py``; ``vesalius models prepare`` reads what that wrote. Weights are drawn. What torch's symmetric padding
would change is measured on real images: the photographs below FOLDER (blood smears, BCCD), where one is given. Prints a JSON line.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vesalius import load_encoder
from vesalius.encoders import Encoder

ROOT = Path(__file__).resolve().parents[2]
ORIGINALS = {
    "simclr-v1": ("PROVE_TENSORFLOW", "make_simclr_v1.py", "ResNet50_1x.zip", "simclr_v1.npz"),
    "byol": ("PROVE_HAIKU", "make_byol.py", "pretrain_res50x1.pkl", "byol.npz"),
}
SIDES = (224, 97)
IMAGES = 48


def prepared(name: str, folder: Path) -> dict[str, Any]:
    """The model ``name`` at full size, written by its own library, prepared in ``folder``, and how far features are apart."""
    variable, script, file, told = ORIGINALS[name]
    python = os.environ.get(variable)
    if not python:
        sys.exit(f"{variable} names no Python of an environment with the original's library")
    words = [python, "-I", str(ROOT / "tests" / "encoders" / "zoo" / script), str(folder), "1", *map(str, SIDES)]
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603
    began = time.monotonic()
    words = [sys.executable, "-m", "vesalius.cli", "models", "prepare", name, "--file", str(folder / file), "--out", str(folder / "out")]
    child = subprocess.Popen(words, stdout=subprocess.DEVNULL)  # noqa: S603
    _, status, used = os.wait4(child.pid, 0)  # the memory of this one alone
    if status:
        sys.exit(f"vesalius models prepare {name} failed")
    seconds, memory = time.monotonic() - began, used.ru_maxrss / 2**20
    theirs = np.load(folder / told)
    ours, plain = load_encoder(folder / "out" / name), torchs(folder / "out" / name)
    return {
        "name": f"{name} at full size",
        "bytes": (folder / file).stat().st_size,
        "seconds": round(seconds, 1),
        "gib": round(memory, 2),
        "options": dict(ours.card.options),
        "difference": {side: apart(ours, side, theirs) for side in SIDES},
        "symmetric": {side: apart(plain, side, theirs) for side in SIDES},
    }


def torchs(folder: Path) -> Encoder:
    """torchvision's network with the tensors of the prepared encoder."""
    return load_encoder("resnet50", padding="symmetric", weights=str(folder))


def apart(encoder: Encoder, side: int, theirs: Any) -> float:
    """The largest difference to the original's features of the script's images, over the largest feature."""
    drawn = np.random.RandomState(7).rand(2, side, side, 3).astype(np.float32)
    told = torch.from_numpy(theirs[f"features_{side}"])
    with torch.no_grad():
        found = encoder(torch.from_numpy(drawn).permute(0, 3, 1, 2)).pooled
    return float((found - told).abs().max() / told.abs().max())


def effect(name: str, folder: Path, photographs: Path) -> dict[str, Any]:
    """What torch's padding changes for real images: in parts of the feature, and of the distance between two images."""
    images = read(sorted(photographs.rglob("*.jpg"))[:IMAGES])
    place = folder / "out" / name
    with torch.no_grad():
        same, symmetric = (torch.cat([encoder(x).pooled for x in images.split(8)]) for encoder in (load_encoder(place), torchs(place)))
    between = torch.pdist(same).median()
    change = (same - symmetric).norm(dim=1)
    return {
        "images": len(images),
        "change": float((change / same.norm(dim=1)).median()),
        "of_distance": float((change / between).median()),
        "cosine": float(torch.cosine_similarity(same, symmetric).min()),
        "neighbours": float((nearest(same) == nearest(symmetric)).float().mean()),
    }


def nearest(features: Tensor) -> Tensor:
    """For each image the other one with the closest features."""
    distances = torch.cdist(features, features).fill_diagonal_(float("inf"))
    return distances.argmin(1)


def read(paths: list[Path]) -> Tensor:
    """Photographs in [0, 1], the shorter side 224, the middle."""
    from PIL import Image
    from torchvision.transforms import v2

    turned = v2.Compose([v2.Resize(224), v2.CenterCrop(224), v2.PILToTensor(), v2.ToDtype(torch.float32, scale=True)])
    return torch.stack([turned(Image.open(path).convert("RGB")) for path in paths])


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        found = prepared(sys.argv[1], Path(place))
        if len(sys.argv) > 2:
            found["effect"] = effect(sys.argv[1], Path(place), Path(sys.argv[2]))
        print(json.dumps(found))
