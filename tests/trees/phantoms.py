"""A CT of an abdomen in Hounsfield units, small: air, fat, soft tissue, bone and contrast, and thirteen organs by number."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import nibabel
import numpy as np
from numpy.typing import NDArray

from tests.volumes import write
from vesalius import random

AIR, FAT, SOFT, BONE, CONTRAST = -1000, -100, 40, 700, 200
SPACING = (0.8, 0.8, 5.0)
SHAPE = (80, 80, 14)
"""64 x 64 x 70 mm: few voxels of a real voxel's size."""

# label -> HU, centre and radii, in halves of the volume's sides; RAS, so that the liver (6) lies at positive x
ORGANS: dict[int, tuple[int, tuple[float, float, float], tuple[float, float, float]]] = {
    1: (SOFT, (-0.50, -0.18, 0.35), (0.14, 0.16, 0.32)),  # spleen
    2: (CONTRAST, (0.36, -0.33, -0.35), (0.12, 0.12, 0.34)),  # right kidney
    3: (CONTRAST, (-0.36, -0.33, -0.20), (0.12, 0.12, 0.34)),  # left kidney
    4: (SOFT, (0.42, 0.42, -0.30), (0.10, 0.09, 0.22)),  # gall bladder
    5: (SOFT, (-0.05, -0.17, 0.70), (0.07, 0.07, 0.25)),  # oesophagus
    6: (SOFT, (0.40, 0.14, 0.25), (0.26, 0.28, 0.40)),  # liver
    7: (SOFT, (-0.32, 0.25, 0.20), (0.18, 0.18, 0.35)),  # stomach
    8: (CONTRAST, (-0.08, -0.30, 0.00), (0.06, 0.06, 0.90)),  # aorta
    9: (CONTRAST, (0.10, -0.28, 0.00), (0.06, 0.06, 0.90)),  # vena cava
    10: (CONTRAST, (0.08, 0.06, -0.15), (0.07, 0.06, 0.22)),  # portal and splenic veins
    11: (SOFT, (-0.12, -0.02, -0.30), (0.16, 0.09, 0.20)),  # pancreas
    12: (SOFT, (0.26, -0.24, 0.16), (0.07, 0.06, 0.16)),  # right adrenal gland
    13: (SOFT, (-0.26, -0.20, 0.30), (0.07, 0.06, 0.16)),  # left adrenal gland
}


@lru_cache(maxsize=8)
def _anatomy(shape: tuple[int, int, int], seed: int) -> tuple[NDArray[np.int16], NDArray[np.uint8]]:
    draw = random.generator("tests", "abdomen", seed)
    grid = np.stack(np.meshgrid(*((np.arange(n) + 0.5) / n * 2 - 1 for n in shape), indexing="ij"))

    def inside(centre: tuple[float, ...], radii: tuple[float, ...]) -> NDArray[np.bool_]:
        far = (grid - np.asarray(centre)[:, None, None, None]) / np.asarray(radii)[:, None, None, None]
        return np.asarray((far**2).sum(0) <= 1)

    shift = draw.uniform(-0.02, 0.02, 3) * [1, 1, 0]
    values, labels = np.full(shape, AIR, np.int16), np.zeros(shape, np.uint8)
    for hu, radii in ((FAT, (0.88, 0.74, 9.0)), (SOFT, (0.82, 0.68, 9.0)), (FAT, (0.74, 0.60, 9.0))):
        values[inside(tuple(shift), radii)] = hu
    values[inside(tuple(np.add((0.0, -0.52, 0.0), shift)), (0.12, 0.10, 9.0))] = BONE
    for number, (hu, centre, radii) in ORGANS.items():
        there = inside(tuple(np.add(centre, shift)), tuple(np.multiply(radii, draw.uniform(0.95, 1.05, 3))))
        values[there], labels[there] = hu, number
    values.flags.writeable = labels.flags.writeable = False
    return values, labels


def abdomen(
    shape: tuple[int, int, int] = SHAPE,
    seed: int = 0,
    *,
    noise: float = 12.0,
    spacing: tuple[float, float, float] = SPACING,
) -> tuple[NDArray[np.int16], NDArray[np.uint8], NDArray[np.float64]]:
    """Image (x, y, z) in HU, labels 0 to 13 and affine (4, 4), voxel to mm, in RAS; body and organs a little other by ``seed``.

    ``noise``: standard deviation in HU; 0 gives five values alone.
    """
    clean, labels = _anatomy(shape, seed)
    noisy = clean + random.generator("tests", "noise", seed).normal(0, noise, shape) if noise else clean
    affine = np.diag([*spacing, 1.0])
    affine[:3, 3] = -np.multiply(spacing, shape) / 2
    return np.clip(np.rint(noisy), -1024, 3071).astype(np.int16), labels.copy(), affine


def write_as(path: Path, values: NDArray[np.generic], affine: NDArray[np.float64], axes: str) -> Path:
    """The same body as NIfTI with its axes pointing to ``axes``, three letters such as LAS."""
    ras, wanted = (nibabel.orientations.axcodes2ornt(tuple(codes)) for codes in ("RAS", axes))
    turn = nibabel.orientations.ornt_transform(ras, wanted)
    placed = affine @ nibabel.orientations.inv_ornt_aff(turn, values.shape)
    return write(path, nibabel.orientations.apply_orientation(values, turn), placed)
