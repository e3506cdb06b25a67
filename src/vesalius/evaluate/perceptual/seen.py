"""What the networks of the perceptual distance see of two pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from jaxtyping import UInt8
from PIL import Image
from torch import Tensor

from vesalius.data.outcomes import Unreadable
from vesalius.data.readers import read_image
from vesalius.errors import UserError

SIDE = 224
"""Pixels a side that the original brought both to."""
LEAST = 64
"""Pixels a side below which the distance says little: the last of the networks' layers see one or two places."""

Picture = UInt8[np.ndarray, "height width 3"]


def pair(original: Path, made: Path, side: int | None) -> tuple[Picture, Picture]:
    """Both as eight-bit colours of one size: as they are where they are equally large and at least ``LEAST`` pixels a side, else, or where a
    ``side`` is given, the middle after bicubic resizing of the shorter side. Raises UserError for what cannot be read.
    """
    one, other = _read(original), _read(made)
    if side is None and one.shape == other.shape and min(one.shape[:2]) >= LEAST:
        return one, other
    return resized(one, side or SIDE), resized(other, side or SIDE)


def resized(picture: Picture, side: int) -> Picture:
    """The middle ``side`` x ``side`` pixels of ``picture`` with its shorter side that long, as torchvision's Resize and CenterCrop of a PIL image."""
    height, width = picture.shape[:2]
    shorter = min(height, width)
    if shorter != side:
        size = (side, side * height // width) if width <= height else (side * width // height, side)
        picture = np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BICUBIC))
    top, left = round((picture.shape[0] - side) / 2), round((picture.shape[1] - side) / 2)
    return np.ascontiguousarray(picture[top : top + side, left : left + side])


def stacked(pictures: list[Picture]) -> Tensor:
    """Pictures of one size as (n, 3, H, W) floats in [0, 1]."""
    return torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float() / 255


def _read(file: Path) -> Picture:
    try:
        pixels = read_image(file)
    except Unreadable as error:
        raise UserError(f"{file} cannot be compared. {error}") from error
    if pixels.dtype != np.uint8:
        pixels = np.round(pixels / (np.iinfo(pixels.dtype).max / 255)).astype(np.uint8)
    return np.ascontiguousarray(np.broadcast_to(pixels[..., :1], (*pixels.shape[:2], 3)) if pixels.shape[2] < 3 else pixels[..., :3])
