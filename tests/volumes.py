"""Small volumes that look like anatomy, and folders of them as NIfTI files."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from vesalius import random

LABELS = ["background", "skin", "brain", "ventricle"]
"""The names of the label values of ``head``."""


def head(
    side: int | tuple[int, int, int] = 24, seed: int = 0, spacing: tuple[float, float, float] = (2.0, 2.0, 3.0)
) -> tuple[NDArray[np.int16], NDArray[np.uint8], NDArray[np.float64]]:
    """Image (x, y, z) between about -20 and 1000, labels 0 to 3 and affine (4, 4), voxel to mm, of a head in RAS.

    Ellipsoids in one another, each a little elsewhere and otherwise large by ``seed``; two ventricles beside each other and
    a bright spot at the right front, so that no two axes and no two ends of one look alike.
    """
    shape = (side, side, side) if isinstance(side, int) else side
    draw = random.generator("tests", "head", seed)
    grid = np.stack(np.meshgrid(*(np.linspace(-1, 1, n) for n in shape), indexing="ij"))
    middle, size = draw.uniform(-0.05, 0.05, 3), draw.uniform(0.95, 1.05, 3)

    def inside(centre: tuple[float, float, float], radii: tuple[float, float, float]) -> NDArray[np.bool_]:
        far = (grid - np.add(centre, middle)[:, None, None, None]) / np.multiply(radii, size)[:, None, None, None]
        return np.asarray((far**2).sum(0) <= 1)

    labels = np.zeros(shape, np.uint8)
    labels[inside((0, 0, 0), (0.75, 0.9, 0.8))] = 1
    labels[inside((0, -0.05, 0.08), (0.58, 0.72, 0.6))] = 2
    labels[inside((-0.2, 0, 0.1), (0.17, 0.35, 0.22)) | inside((0.22, 0, 0.1), (0.2, 0.3, 0.22))] = 3
    image = np.array([0, 300, 800, 150], np.float32)[labels]
    image[inside((0.4, 0.45, 0.1), (0.15, 0.15, 0.15))] = 1000
    image = ndimage.gaussian_filter(image, 0.5) + draw.normal(0, 8, shape)
    affine = np.diag([*spacing, 1.0])
    affine[:3, 3] = -np.multiply(spacing, shape) / 2
    return image.round().astype(np.int16), labels, affine


def write(path: Path, values: NDArray[np.generic], affine: NDArray[np.float64]) -> Path:
    """``values`` as a NIfTI file at ``path``, with its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = nibabel.nifti1.Nifti1Image(values, affine)
    image.header.set_xyzt_units("mm", "sec")
    nibabel.save(image, path)
    return path


def write_tree(
    root: Path,
    n: int = 6,
    *,
    side: int | tuple[int, int, int] = 24,
    labels: bool = True,
    seed: int = 0,
    axes: str = "RAS",
    spacing: tuple[float, float, float] = (2.0, 2.0, 3.0),
    suffix: str = ".nii.gz",
) -> Path:
    """``n`` heads as ``root/imagesTr/case_000.nii.gz`` and, with ``labels``, ``root/labelsTr/case_000.nii.gz``.

    ``axes``: to which sides the files' axes point (the same heads, stored otherwise); three letters such as LPS.
    """
    ras, wanted = (nibabel.orientations.axcodes2ornt(tuple(codes)) for codes in ("RAS", axes))
    turn = nibabel.orientations.ornt_transform(ras, wanted)
    for number in range(n):
        image, segmentation, affine = head(side, seed + number, spacing)
        placed = affine @ nibabel.orientations.inv_ornt_aff(turn, image.shape)
        for folder, values in (("imagesTr", image), ("labelsTr", segmentation)):
            if folder == "imagesTr" or labels:
                turned = nibabel.orientations.apply_orientation(values, turn)
                write(root / folder / f"case_{number:03}{suffix}", turned, placed)
    return root
