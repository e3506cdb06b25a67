"""How well label volumes agree: Dice and distances of surfaces, per class, in numbers of voxels and in mm.

Dice, "Measures of the amount of ecologic association between species", 1945. Nikolov et al., 2018 (surface Dice). A class that is
in neither truth nor prediction has no score (NaN) and is left out of means; one that is predicted and not there, or there
and not predicted, scores a Dice and a surface Dice of 0 and has no distance (NaN: there is no surface to measure from).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]
"""(..., classes, 3): voxels of a class in both, in the prediction, in the truth."""


def counts(predicted: NDArray[np.integer], truth: NDArray[np.integer], classes: int) -> Counts:
    """``(classes, 3)`` of two label volumes of one shape, values 0 to ``classes - 1``."""
    both = np.bincount(truth[predicted == truth].ravel(), minlength=classes)
    each = [np.bincount(labels.ravel(), minlength=classes) for labels in (predicted, truth)]
    return np.stack([both, *each], 1).astype(np.int64)


def dice(found: Counts) -> NDArray[np.float64]:
    """``(..., classes)`` 2 |A and B| / (|A| + |B|); NaN where a class is in neither."""
    both, predicted, truth = (found[..., k].astype(np.float64) for k in range(3))
    with np.errstate(invalid="ignore"):
        scores: NDArray[np.float64] = 2 * both / (predicted + truth)
    return scores


def mean_dice(found: Counts, *, background: bool = False) -> float:
    """Mean over cases of each case's mean over classes; ``found`` (cases, classes, 3). NaN where no case has a class."""
    return _mean(np.array([_mean(case) for case in dice(found)[:, 0 if background else 1 :]]))


def mean_of_running_means(found: Counts, *, background: bool = True) -> float:
    """The figure of the MONAI tutorial: after each case the mean of all so far, and of these means the mean.

    Earlier cases weigh more, so that it depends on the order of the cases. Kept to be compared with published numbers.
    """
    scores = dice(found)[:, 0 if background else 1 :]
    cases = np.array([_mean(case) for case in scores])
    return _mean(np.array([_mean(cases[: n + 1]) for n in range(len(cases))]))


def _mean(values: NDArray[np.float64]) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")


class Surface(NamedTuple):
    """Of one class: 95 % Hausdorff distance and mean distance of the surfaces in mm, and the share of both surfaces that
    lies within the tolerance of the other.
    """

    hausdorff95: float
    mean_distance: float
    surface_dice: float


def surface(
    predicted: NDArray[np.bool_], truth: NDArray[np.bool_], spacing: Sequence[float], *, tolerance: float = 2.0
) -> Surface:
    """The surfaces of two masks (x, y, z) of voxels of ``spacing`` mm; ``tolerance`` in mm.

    A surface is the voxels of a mask that have a neighbour (of six) outside it, also where the volume ends. Both directions are
    measured: of the 95th percentiles the greater, of all distances the mean. Distances are computed in the box around both masks.
    """
    if not predicted.any() and not truth.any():
        return Surface(float("nan"), float("nan"), float("nan"))
    if not predicted.any() or not truth.any():
        return Surface(float("nan"), float("nan"), 0.0)
    from scipy import ndimage

    box = _box(predicted | truth)
    edges = [mask & ~ndimage.binary_erosion(mask) for mask in (np.pad(m[box], 1) for m in (predicted, truth))]
    far = [ndimage.distance_transform_edt(~edge, sampling=tuple(spacing)) for edge in edges]
    to_truth, to_predicted = far[1][edges[0]], far[0][edges[1]]
    near = (to_truth <= tolerance).sum() + (to_predicted <= tolerance).sum()
    return Surface(
        max(float(np.percentile(to_truth, 95)), float(np.percentile(to_predicted, 95))),
        float(np.concatenate([to_truth, to_predicted]).mean()),
        float(near / (len(to_truth) + len(to_predicted))),
    )


def _box(mask: NDArray[np.bool_]) -> tuple[slice, ...]:
    """The least box that holds all of ``mask``."""
    sides = []
    for axis in range(mask.ndim):
        at = np.flatnonzero(mask.any(tuple(k for k in range(mask.ndim) if k != axis)))
        sides.append(slice(int(at[0]), int(at[-1]) + 1))
    return tuple(sides)
