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

    ``matrix`` (N, d + 1, d + 1): homogeneous places on the canvas to places in the window, both in pixels, the last axis of
    the array first as ``grid_sample`` has them (of images: x, y), with the origin at the outer corner of the first pixel
    (pixel i covers [i, i + 1]). ``canvas`` (N, d): sides in pixels, in the array's order (of images: height, width).
    ``bounds`` (N, 2 d): first corner and last of what may be read, in window pixels and the array's order (of images: top,
    left, bottom, right). ``edge``: whether positions outside the bounds repeat the edge (else they are black). ``crisp``:
    nothing has asked for resampling yet, so that a crop still narrows ``bounds`` (a crop that is resized later must not see
    beyond its own border). ``bend``: displacements that are added to where each pixel comes from; of images alone.
    """

    matrix: Array
    canvas: Array
    bounds: Array
    edge: bool = False
    crisp: bool = True
    bend: Bend | None = None

    @staticmethod
    def of(extents: NDArray[np.integer]) -> Frame:
        """The untouched windows of ``extents`` (N, d): sides in stored pixels."""
        size = np.asarray(extents, np.float64)
        matrix = np.tile(np.eye(size.shape[1] + 1), (len(size), 1, 1))
        return Frame(matrix, size, np.concatenate([np.zeros_like(size), size], axis=1))

    def then(self, step: Array, canvas: Array) -> Frame:
        """The frame after one more operation: ``step`` (N, d + 1, d + 1) maps its output canvas to the present one."""
        bend = self.bend and replace(self.bend, after=self.bend.after @ step)
        return replace(self, matrix=self.matrix @ step, canvas=np.asarray(canvas, np.float64), bend=bend)

    @property
    def dims(self) -> int:
        """Axes of the canvas."""
        return int(self.canvas.shape[1])

    def crop(self, box: Array, size: Array) -> Frame:
        """Cut ``box`` (N, 2 d: first corner, then sides, on the canvas) and bring it to ``size`` (N, d)."""
        d = self.dims
        step = np.zeros((len(box), d + 1, d + 1))
        for axis in range(d):
            at = d - 1 - axis
            step[:, at, at], step[:, at, d] = box[:, d + axis] / size[:, axis], box[:, axis]
        step[:, d, d] = 1
        frame = self.then(step, size)
        same_size = bool((box[:, d:] == size).all())
        if self.crisp:
            corner = np.einsum("nij,nkj->nki", self.matrix, _corners(box))[..., d - 1 :: -1]
            low, high = corner.min(axis=1), corner.max(axis=1)
            inside = np.concatenate([np.maximum(low, self.bounds[:, :d]), np.minimum(high, self.bounds[:, d:])], axis=1)
            frame = replace(frame, bounds=inside)
        return replace(frame, crisp=self.crisp and same_size)

    def theta(self, extents: NDArray[np.integer]) -> Array:
        """``(N, d, d + 1)``: the whole map in torch's normalised coordinates, [-1, 1] over canvas and window."""
        size, d = np.asarray(extents, np.float64), self.dims
        into = np.zeros((len(size), d + 1, d + 1))
        out = np.zeros_like(into)
        for axis in range(d):
            at = d - 1 - axis
            into[:, at, at], into[:, at, d] = 2 / size[:, axis], -1
            out[:, at, at] = out[:, at, d] = self.canvas[:, axis] / 2
        into[:, d, d] = out[:, d, d] = 1
        result: Array = (into @ self.matrix @ out)[:, :d]
        return result


def _corners(box: Array) -> Array:
    """``(N, 2, d + 1)`` homogeneous places, last axis first, of a box's first and last corner."""
    d, one = box.shape[1] // 2, np.ones((len(box), 1))
    first, last = box[:, :d], box[:, :d] + box[:, d:]
    return np.stack([np.concatenate([corner[:, ::-1], one], axis=1) for corner in (first, last)], axis=1)
