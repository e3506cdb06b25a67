"""Small jobs: a folder of images, and an encoder that takes no time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.recipes.tiny import images
from vesalius.encoders import build_encoder, save_encoder
from vesalius.select.verb import Selection, select


def folder(at: Path, count: int = 30) -> Path:
    """``count`` images of noise, one twice, one that is none."""
    images(at, count)
    (at / "copy.png").write_bytes((at / "0003.png").read_bytes())
    (at / "broken.png").write_bytes(b"\x89PNG nothing follows")
    return at


def encoder(at: Path, seed: int = 0) -> Path:
    """A small ResNet with weights drawn from ``seed``."""
    save_encoder(build_encoder("resnet18", width=0.0625, size=(16, 16), seed=seed), at)
    return at


def job(data: Path, network: Path, **fields: Any) -> Selection:
    """Eight of ``data``, by diversity unless it is said otherwise."""
    return select(**{"encoder": str(network), "data": str(data), "n": 8, "device": "cpu", "max_bad_share": 0.2, "quiet": True, **fields})
