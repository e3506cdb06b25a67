"""Which way the axes of a volume point, and the turn that makes them point as a plan says."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_LETTERS = ("LR", "PA", "IS")


def directions(affine: NDArray[np.float64]) -> tuple[tuple[int, int], ...]:
    """For each axis of the voxels of ``affine`` (4, 4), which axis of space it runs along (0: right, 1: front, 2: up) and whether up it or down (1, -1).

    Each axis of space is taken once, also where axes stand at 45 degrees, as nibabel chooses.
    """
    import nibabel

    orientations: Any = nibabel.orientations
    found = orientations.io_orientation(affine)
    return tuple((int(axis), int(sign)) for axis, sign in found)


def axes_of(affine: NDArray[np.float64]) -> str:
    """Three letters such as RAS: to which side each axis of the voxels of ``affine`` (4, 4) points, nearly."""
    return "".join(_LETTERS[axis][sign > 0] for axis, sign in directions(affine))


def turn(affine: NDArray[np.float64], orientation: str) -> tuple[tuple[int, int, int], tuple[bool, bool, bool]]:
    """For each axis of a volume with ``orientation`` (RAS; native: as it is), which axis of the file with ``affine`` (4, 4) it is, and whether reversed."""
    if orientation == "native":
        return (0, 1, 2), (False, False, False)
    have = directions(affine)
    source: list[int] = []
    flipped: list[bool] = []
    for letter in orientation:
        axis = next(number for number, letters in enumerate(_LETTERS) if letter in letters)
        source.append(next(number for number, (along, _) in enumerate(have) if along == axis))
        flipped.append((have[source[-1]][1] > 0) != (_LETTERS[axis][1] == letter))
    return (source[0], source[1], source[2]), (flipped[0], flipped[1], flipped[2])


def turned_affine(
    affine: NDArray[np.float64], shape: tuple[int, ...], source: tuple[int, ...], flipped: tuple[bool, ...]
) -> NDArray[np.float64]:
    """``(4, 4)``: the affine of a volume of ``shape`` (in the file's order) after ``turn``."""
    step = np.zeros((4, 4))
    step[3, 3] = 1
    for axis, (place, back) in enumerate(zip(source, flipped, strict=True)):
        step[place, axis] = -1 if back else 1
        step[place, 3] = shape[place] - 1 if back else 0
    return np.asarray(affine @ step, np.float64)


def turned(values: NDArray[np.generic], source: tuple[int, ...], flipped: tuple[bool, ...]) -> NDArray[np.generic]:
    """``values`` (x, y, z) after ``turn``; a view."""
    return values.transpose(source)[tuple(slice(None, None, -1 if back else 1) for back in flipped)]
