"""Slices in order: DICOM PS3.3 C.7.6.2. What makes no volume is refused with what was found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vesalius.data.outcomes import Kind, Unreadable
from vesalius.data.readers.volume_parts import sides_in_words

_EVEN = 0.1
"""How far, in steps, a slice may lie from where even steps put it: headers round to a tenth of a mm."""
_SAME_WAY = 1e-3
_TO_RAS = np.diag([-1.0, -1.0, 1.0])


class Slice(NamedTuple):
    """Where one slice lies, in mm to the left, back and up; None for what its header does not say.

    ``orientation``: the directions of a row and of a column. ``spacing``: between rows, between columns. ``shape``: rows, columns.
    """

    shape: tuple[int, int]
    position: tuple[float, ...] | None
    orientation: tuple[float, ...] | None
    spacing: tuple[float, ...] | None


def ordered(slices: Sequence[Slice]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The order of ``slices`` along their normal, and the affine (4, 4) of (column, row, slice) to mm in RAS.

    Raises Unreadable for slices without a place, of several sizes, orientations or spacings, twice at one place, or with gaps.
    """
    silent = sum(one.position is None or one.orientation is None or one.spacing is None for one in slices)
    if silent:
        raise _refused(
            f"{silent} of its {len(slices)} slices do not say where they lie (position, orientation, spacing of pixels)."
        )
    if len(slices) < 2:
        raise Unreadable(Kind.UNSUPPORTED, "It is one slice; a volume has at least two.")
    sizes = Counter(one.shape for one in slices)
    if len(sizes) > 1:
        found = ", ".join(f"{count} of {sides_in_words(shape[::-1])}" for shape, count in sizes.most_common(4))
        raise _refused(
            f"Its slices are of {len(sizes)} sizes: {found}. Leave out those that do not belong to the volume."
        )
    ways = np.array([one.orientation for one in slices], np.float64)
    if ways.shape[1:] != (6,) or not np.isfinite(ways).all():
        raise _refused("Its orientations are no directions.")
    if (kinds := _kinds(ways, _SAME_WAY)) > 1:
        raise _refused(
            f"Its {len(slices)} slices point {kinds} different ways, as a localizer's or a turning projection's: they are no volume."
        )
    pixels = np.array([one.spacing for one in slices], np.float64)
    if (kinds := _kinds(pixels, _SAME_WAY * float(np.abs(pixels).max()))) > 1:
        raise _refused(
            f"Its {len(slices)} slices have {kinds} different spacings of pixels, from {pixels.min():g} to {pixels.max():g} mm."
        )
    row, column = ways[0, :3], ways[0, 3:]
    normal = np.cross(row, column)
    positions = np.array([one.position for one in slices], np.float64)
    order = np.argsort(positions @ normal, kind="stable")
    step = _step(positions[order], normal)
    affine = np.eye(4)
    affine[:3, :3] = _TO_RAS @ np.stack([row * pixels[0, 1], column * pixels[0, 0], step], 1)
    affine[:3, 3] = _TO_RAS @ positions[order[0]]
    return order.astype(np.int64), affine


def _step(positions: NDArray[np.float64], normal: NDArray[np.float64]) -> NDArray[np.float64]:
    """From one slice to the next, in mm (3,); of ``positions`` (n, 3) in order."""
    along = positions @ normal
    gaps = np.diff(along)
    usual = float(np.median(gaps))
    together = gaps < max(1e-3, 0.01 * usual)
    if together.any():
        places = Counter(np.concatenate([[0], np.cumsum(~together)]).tolist())
        most = max(places.values())
        raise _refused(
            f"Its {len(along)} slices lie at {len(places)} places, up to {most} at one: several volumes (times, echoes, phases) in one series."
            " Split it into a folder for each."
        )
    even = positions[0] + np.arange(len(along))[:, None] * (positions[-1] - positions[0]) / (len(along) - 1)
    off, step = (positions - even) @ normal, float(along[-1] - along[0]) / (len(along) - 1)
    if np.abs(off).max() > _EVEN * step:
        missing = int(np.rint(gaps / usual - 1).clip(0).sum())
        first = along[int(np.argmax(gaps))]
        lacking = (
            f"about {missing} are missing, the first after {first:g} mm" if missing else "they are not evenly spaced"
        )
        raise _refused(
            f"Its {len(along)} slices are {gaps.min():g} to {gaps.max():g} mm apart: {lacking}. Add them, or leave the series out."
        )
    aside = np.sqrt((((positions - even) - off[:, None] * normal) ** 2).sum(1)).max()
    if aside > max(1.0, _EVEN * step):
        raise _refused(f"Its slices are shifted sideways against each other by up to {aside:.3g} mm.")
    return np.asarray((positions[-1] - positions[0]) / (len(along) - 1), np.float64)


def _kinds(rows: NDArray[np.float64], within: float) -> int:
    """How many different rows there are, ``within`` apart counting as one."""
    left, kinds = rows, 0
    while len(left):
        left = left[np.abs(left - left[0]).max(1) > within]
        kinds += 1
    return kinds


def _refused(sentence: str) -> Unreadable:
    return Unreadable(Kind.GEOMETRY, sentence)
