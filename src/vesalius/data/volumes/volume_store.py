"""Reading stored volumes: patches of many at once, with their labels, without decoding anything."""

from __future__ import annotations

import copy
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from typing_extensions import override

from vesalius.data.pixels import Pixels
from vesalius.data.plan import Plan
from vesalius.data.pool import Pool
from vesalius.data.record_store import RecordStore, memory
from vesalius.data.records import Records
from vesalius.data.volumes import codec
from vesalius.data.volumes.facts import Facts, Points
from vesalius.data.volumes.foreground import POINTS
from vesalius.data.volumes.geometry import Geometry
from vesalius.data.volumes.ground import Ground
from vesalius.data.volumes.statistics import Statistics, folded
from vesalius.errors import UserError


class VolumeStore(RecordStore):
    """A table's readable volumes on the axes and at the spacing of ``settings``, a plan, memory-mapped; made by ``store.build``
    or ``store.open``.

    A record is one channel of 16-bit integers; the plan's intensity rule is applied where it is read, by scale and offset.
    ``labelled``: whether label volumes are read too; ``most``: the greatest label that ``ground`` tells of, the greatest there is when None.
    """

    channels = 1
    dtype = torch.uint16
    settings: Plan

    def __init__(self, pool: Pool, records: Records, settings: Plan, name: str, labelled: bool = False, most: int | None = None) -> None:
        super().__init__(pool, records, name, dims=3)
        rows = records.rows[records.rows["reason"] < 0]
        self.settings, self.labelled, self._most = settings, labelled, most
        self._packed, self._facts = rows["packed"].copy(), rows["facts"].copy()
        self._scale, self._offset = rows["scale"].copy(), rows["offset"].copy()
        self._fold = np.full((len(rows), 2), np.nan, np.float32)
        self._known: dict[int, Facts] = {}

    def without_labels(self) -> VolumeStore:
        """The same records; reading them gives no labels."""
        plain = copy.copy(self)
        plain.labelled = False
        return plain

    def with_labels(self) -> VolumeStore:
        """The same records, read with their labels."""
        full = copy.copy(self)
        full.labelled = True
        return full

    @cached_property
    def spacing(self) -> NDArray[np.float64]:
        """``(N, 3)`` voxel size in mm along x, y and z."""
        return np.array([self.geometry(row).spacing for row in range(len(self))]).reshape(-1, 3)

    @cached_property
    def labels(self) -> int:
        """The greatest label that ``ground`` tells of."""
        if self._most is not None:
            return self._most
        return max((label for row in range(len(self)) for label in self.facts(row).labels or {}), default=0)

    def facts(self, row: int) -> Facts:
        """What is known of record ``row`` beside its voxels."""
        found = self._known.get(row)
        if found is None:  # two threads may both read them: they read the same
            found = self._known[row] = Facts.from_bytes(self._raw(row)[-int(self._facts[row]) :])
        return found

    def statistics(self, row: int) -> Statistics:
        """Mean, deviation and percentiles of the foreground of record ``row``."""
        return self.facts(row).statistics

    def geometry(self, row: int) -> Geometry:
        """Where record ``row`` lies in the grid of its file."""
        return Geometry.from_dict(self.facts(row).geometry)

    @property
    @override
    def size(self) -> str:
        return self.settings.voxels

    @override
    def array(self, row: int) -> NDArray[np.uint16]:
        whole = tuple(slice(0, int(side)) for side in self.extents[row])
        voxels = self._part(row, np.uint16, whole, 0, self.facts(row).voxels)
        voxels.flags.writeable = False
        return voxels[None]

    def values(self, row: int) -> NDArray[np.float32]:
        """Record ``row`` in the units of its file (HU), (x, y, z)."""
        found: NDArray[np.float32] = self.array(row)[0] * np.float32(self._scale[row]) + np.float32(self._offset[row])
        return found

    def mask(self, row: int) -> NDArray[np.uint8] | None:
        """The label volume (x, y, z) of record ``row``, values as in its file; None where it has none."""
        known = self.facts(row)
        whole = tuple(slice(0, int(side)) for side in self.extents[row])
        return self._part(row, np.uint8, whole, known.voxels, known.mask) if known.mask else None

    @override
    def read(self, rows: NDArray[np.int64], windows: NDArray[np.int64], out: Pixels | None = None) -> Pixels:
        sizes, canvas = self._sizes(rows, windows)
        flat = rows.reshape(-1).tolist()
        self._refuse_unlabelled(flat)
        data = memory((*rows.shape, 1, *canvas), torch.uint16, None if out is None else out.data)
        masks = (
            None
            if self.labels is None
            else memory((*rows.shape, *canvas), torch.uint8, None if out is None else out.masks) if self.labelled else None
        )
        if (sizes != canvas).any():
            data.zero_()
            if masks is not None:
                masks.zero_()
        boxes = windows.reshape(-1, 2, 3).tolist()
        self._gather(flat, boxes, data, masks)
        folds = torch.from_numpy(np.array([self._folded(row) for row in flat], np.float32).reshape(*rows.shape, 2))
        rule = self.settings.intensity
        clip = rule.clip and rule.rule in ("window", "percentiles")
        return Pixels(
            data, torch.from_numpy(sizes.copy()), folds[..., 0].contiguous(), folds[..., 1].contiguous(), masks, clip
        )

    def ground(self, rows: NDArray[np.int64]) -> Ground:
        """Where there is something to see in records ``rows`` (B,)."""
        known = [self.facts(int(row)) for row in rows]
        box, points = np.stack([one.box for one in known]), np.stack([_repeated(one.points) for one in known])
        if not self.labelled or any(one.labels is None for one in known):
            return Ground(box, points)
        classes = np.full((len(known), self.labels, POINTS, 3), -1, np.int32)
        counts = np.zeros((len(known), self.labels), np.int64)
        background = np.full((len(known), POINTS, 3), -1, np.int32)
        for place, one in enumerate(known):
            for value, (count, at) in (one.labels or {}).items():
                if value <= self.labels:
                    classes[place, value - 1], counts[place, value - 1] = _repeated(at), count
            if one.background is not None and len(one.background):
                background[place] = _repeated(one.background)
        return Ground(box, points, classes, background, counts)

    def _gather(self, rows: list[int], boxes: list[list[list[int]]], data: Tensor, masks: Tensor | None) -> None:
        """Copy window after window; a run of z is contiguous on both sides, and numpy leaves the interpreter to others."""
        voxels = data.numpy().reshape(-1, *data.shape[-3:])
        labels = None if masks is None else masks.numpy().reshape(-1, *masks.shape[-3:])
        for place, (row, (first, last)) in enumerate(zip(rows, boxes)):
            box = tuple(map(slice, first, last))
            there = tuple(slice(0, stop - start) for start, stop in zip(first, last))
            known = self.facts(row)
            voxels[place][there] = self._part(row, np.uint16, box, 0, known.voxels)
            if labels is not None:
                labels[place][there] = self._part(row, np.uint8, box, known.voxels, known.mask)

    def _part(self, row: int, kind: Any, box: tuple[slice, ...], start: int, length: int) -> NDArray[Any]:
        """``box`` of the part of record ``row`` that lies at its bytes ``start`` to ``start + length``."""
        data = self._raw(row)[start : start + length]
        if self._packed[row]:
            return codec.unpacked(data, box)
        whole: NDArray[Any] = data.view(kind).reshape(*self.extents[row].tolist())
        return whole[box]

    def _folded(self, row: int) -> NDArray[np.float32]:
        """Scale and offset from what is stored of record ``row`` to what a network sees."""
        if np.isnan(self._fold[row, 0]):
            self._fold[row] = folded(self.settings.intensity, self.statistics(row), self._scale[row], self._offset[row])
        return self._fold[row]  # type: ignore[no-any-return]

    def _refuse_unlabelled(self, rows: list[int]) -> None:
        if self.labelled and (bare := [row for row in rows if not self.facts(row).mask]):
            raise UserError(
                f"The volume {int(self.ids[bare[0]]):016x} of {self.name} has no label volume, but labels are to be read with it. Leave"
                " such volumes out, or give each its label volume."
            )


def _repeated(points: Points) -> NDArray[np.int32]:
    """``(POINTS, 3)`` the points, from the first again where there are fewer."""
    return points[np.arange(POINTS) % len(points)].astype(np.int32)
