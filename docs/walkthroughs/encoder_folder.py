"""What a stranger with several encoders brings: labelled images in three layouts, checkpoints of other projects, and data that say too little."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from PIL import Image

TILE = 32
"""Pixels a side of a tile of tissue."""


def encoders(here: Path) -> None:
    """``digits`` (a folder of classes), ``faces.npz`` (MedMNIST's layout), ``tissue.csv`` (subjects); encoders in ``*-encoder``, ``lab.pth.tar``."""
    from docs.walkthroughs.folders import digits

    digits(here / "digits", each=40)
    (here / "digits" / "3" / "notes.txt").write_text("scanned twice")
    (here / "digits" / "5" / "5_007.png").write_bytes(b"\x89PNG\r\n\x1a\n cut off")
    _tissue(here)
    _faces(here / "faces.npz")
    for folder in ("empty", "notes", "mine"):
        (here / folder).mkdir()
    (here / "notes" / "todo.txt").write_text("buy film")
    (here / "mine" / "thesis.txt").write_text("Chapter 1")
    _checkpoints(here)
    shutil.copy(Path(__file__).resolve().parents[2] / "examples" / "efficientnet_zoo.py", here)


def _tissue(here: Path) -> None:
    """256 tiles of scikit-image's section of tissue, four to a pretended patient, labelled by whether they are stained more than most."""
    from skimage import data
    from skimage.color import rgb2hed

    tissue = data.immunohistochemistry()
    stain = rgb2hed(tissue)[..., 2]
    (here / "tissue tiles").mkdir()
    rows = []
    for y in range(0, 512, TILE):
        for x in range(0, 512, TILE):
            name = f"tissue tiles/tile {y:03}-{x:03}.png"
            Image.fromarray(tissue[y : y + TILE, x : x + TILE]).save(here / name)
            number = (y // 64) * 8 + x // 64
            rows.append({"image": name, "stained": float(stain[y : y + TILE, x : x + TILE].mean()), "patient": f"P{number:02}", "age": 30 + number % 50})
    table = pd.DataFrame(rows)
    table["stained"] = (table["stained"] > table["stained"].median()).astype(int)
    table.to_csv(here / "tissue.csv", index=False)
    table.drop(columns="stained").to_csv(here / "unlabelled.csv", index=False)
    table.assign(stained=1).to_csv(here / "one-class.csv", index=False)
    table[table["patient"].isin(["P00", "P07"])].to_csv(here / "two-people.csv", index=False)


def _faces(file: Path) -> None:
    """The 200 faces and other pictures of 25 × 25 pixels inside scikit-image, as MedMNIST packs its sets."""
    from skimage import data

    pixels = (np.load(Path(data.__file__).parent / "lfw_subset.npy") * 255).astype(np.uint8)
    order = np.random.default_rng(0).permutation(200)
    pixels, labels = pixels[order], np.repeat([1, 0], 100)[order, None].astype(np.uint8)
    parts = {"train": slice(120), "val": slice(120, 150), "test": slice(150, None)}
    np.savez(file, **{f"{part}_{what}": values[rows] for part, rows in parts.items() for what, values in (("images", pixels), ("labels", labels))})  # type: ignore[arg-type]


def _checkpoints(here: Path) -> None:
    """A ResNet-18 as MoCo saves one, encoders that do not fit, and files that are none."""
    from torchvision.models import resnet18

    from vesalius.encoders import build_encoder, save_encoder

    torch.manual_seed(3)
    kept = {f"module.encoder_q.{name}": tensor for name, tensor in resnet18().state_dict().items() if not name.startswith("fc.")}
    torch.save({"arch": "resnet18", "epoch": 3, "state_dict": kept}, here / "lab.pth.tar")
    torch.save({"epoch": 3, "history": torch.zeros(3)}, here / "history.pth")
    (here / "broken.pth").write_bytes(b"PK\x03\x04 this was a checkpoint once")
    small = {"width": 0.0625, "stem": "small", "size": (32, 32), "seed": 3}
    save_encoder(build_encoder("resnet18", channels=4, **small).eval(), here / "satellite-encoder")
    save_encoder(build_encoder("resenc-l", channels=1, size=(32, 32, 32), features=(4, 8, 8), seed=3).eval(), here / "volume-encoder")
    damaged = build_encoder("resnet18", channels=3, **small)
    with torch.no_grad():
        next(iter(damaged.parameters())).fill_(torch.nan)
    save_encoder(damaged.eval(), here / "damaged-encoder")
