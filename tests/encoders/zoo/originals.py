"""What TensorFlow's and Haiku's own networks made of images, beside the checkpoints in ``fixtures`` (see ``make_*.py``)."""

from __future__ import annotations

import lzma
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from vesalius.encoders import Encoder
from vesalius.encoders.published import Family, Published, required

FIXTURES = Path(__file__).parent / "fixtures"
WIDTH = 0.03125


def narrow(name: str, padding: str | None = None) -> tuple[Family, Published]:
    """The model ``name`` with two channels in its first stage, as the fixture has it."""
    family, model = required(name)
    options = {**model.options, "width": WIDTH} | ({} if padding is None else {"padding": padding})
    return family, replace(model, options=options, size=(64, 64))


def checkpoint(name: str, folder: Path) -> Path:
    """The fixture of ``name`` under the name it was published with."""
    if name == "simclr-v1":
        return FIXTURES / "ResNet50_1x.zip"
    path = folder / "pretrain_res50x1.pkl"
    path.write_bytes(lzma.decompress((FIXTURES / f"{path.name}.xz").read_bytes()))
    return path


def told(name: str) -> dict[int, Tensor]:
    """The original network's features by side of the images."""
    with np.load(FIXTURES / f"{name.replace('-', '_')}.npz") as file:
        return {int(key.removeprefix("features_")): torch.from_numpy(file[key]) for key in file.files}


def images(side: int) -> Tensor:
    """The images that the scripts show to the original network."""
    drawn = np.random.RandomState(7).rand(2, side, side, 3).astype(np.float32)
    return torch.from_numpy(drawn).permute(0, 3, 1, 2)


def features(encoder: Encoder, side: int) -> Tensor:
    with torch.no_grad():
        pooled: Tensor = encoder(images(side)).pooled
    return pooled


def difference(ours: Tensor, theirs: Tensor) -> float:
    """The largest, over the largest feature."""
    return float((ours - theirs).abs().max() / theirs.abs().max())
