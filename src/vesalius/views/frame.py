"""Where each output pixel comes from: the geometry of a batch, composed on the host before anything is sampled."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Bend:
    """Smooth displacements of a canvas: ``alpha`` (N,) times windows of a bank of ``sigma``, in pixels of that canvas.

    ``corner`` (N, 2, 2): row and column of the window for x and for y. ``linear`` (N, 2, 2): a step on that canvas to one
    in the stored window. ``after`` (N, 3, 3): the present canvas to that one, along its axes. ``canvas`` (N, 2): its sides.
    """

    alpha: Array
    corner: NDArray[np.int64]
    sigma: float
    linear: Array
    after: Array
    canvas: Array


@dataclass(frozen=True)
class Frame:
    """A canvas of each item and the map from it into the window of stored pixels.

    ``matrix`` (N, 3, 3): homogeneous (x, y) on the canvas to (x, y) in the window, both in pixels with the origin at
    the outer corner of the first pixel (pixel i covers [i, i + 1]). ``canvas`` (N, 2): height and width in pixels.
    ``bounds`` (N, 4): top, left, bottom, right of what may be read, in window pixels. ``edge``: whether positions outside
    the bounds repeat the edge (else they are black). ``crisp``: nothing has asked for resampling yet, so that a crop
    still narrows ``bounds`` (a crop that is resized later must not see beyond its own border). ``bend``: displacements that
    are added to where each pixel comes from.
    """

    matrix: Array
    canvas: Array
    bounds: Array
    edge: bool = False
    crisp: bool = True
    bend: Bend | None = None

    @staticmethod
    def of(extents: NDArray[np.integer]) -> Frame:
        """The untouched windows of ``extents`` (N, 2): height and width in stored pixels."""
        size = np.asarray(extents, np.float64)
        matrix = np.broadcast_to(np.eye(3), (len(size), 3, 3)).copy()
        return Frame(matrix, size, np.concatenate([np.zeros_like(size), size], axis=1))

    def then(self, step: Array, canvas: Array) -> Frame:
        """The frame after one more operation: ``step`` (N, 3, 3) maps its output canvas to the present one."""
        bend = self.bend and replace(self.bend, after=self.bend.after @ step)
        return replace(self, matrix=self.matrix @ step, canvas=np.asarray(canvas, np.float64), bend=bend)

    def crop(self, box: Array, size: Array) -> Frame:
        """Cut ``box`` (N, 4: top, left, height, width on the canvas) and bring it to ``size`` (N, 2)."""
        step = np.zeros((len(box), 3, 3))
        step[:, 0, 0], step[:, 0, 2] = box[:, 3] / size[:, 1], box[:, 1]
        step[:, 1, 1], step[:, 1, 2] = box[:, 2] / size[:, 0], box[:, 0]
        step[:, 2, 2] = 1
        frame = self.then(step, size)
        same_size = bool((box[:, 2:] == size).all())
        if self.crisp:
            corner = np.einsum("nij,nkj->nki", self.matrix, _corners(box))[..., 1::-1]
            low, high = corner.min(axis=1), corner.max(axis=1)
            inside = np.concatenate([np.maximum(low, self.bounds[:, :2]), np.minimum(high, self.bounds[:, 2:])], axis=1)
            frame = replace(frame, bounds=inside)
        return replace(frame, crisp=self.crisp and same_size)

    def theta(self, extents: NDArray[np.integer]) -> Array:
        """``(N, 2, 3)``: the whole map in torch's normalised coordinates, [-1, 1] over canvas and window."""
        size = np.asarray(extents, np.float64)
        into = np.zeros((len(size), 3, 3))
        into[:, 0, 0], into[:, 0, 2] = 2 / size[:, 1], -1
        into[:, 1, 1], into[:, 1, 2] = 2 / size[:, 0], -1
        into[:, 2, 2] = 1
        out = np.zeros_like(into)
        out[:, 0, 0] = out[:, 0, 2] = self.canvas[:, 1] / 2
        out[:, 1, 1] = out[:, 1, 2] = self.canvas[:, 0] / 2
        out[:, 2, 2] = 1
        result: Array = (into @ self.matrix @ out)[:, :2]
        return result


def _corners(box: Array) -> Array:
    """``(N, 2, 3)`` homogeneous (x, y, 1) of a box's first and last corner."""
    one = np.ones(len(box))
    first = np.stack([box[:, 1], box[:, 0], one], axis=1)
    last = np.stack([box[:, 1] + box[:, 3], box[:, 0] + box[:, 2], one], axis=1)
    return np.stack([first, last], axis=1)
