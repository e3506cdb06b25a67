"""Volumes for the tests of views: records of unlike sides in memory, read as a store of volumes reads them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from tests.views.batches import ids
from vesalius.data.pixels import Pixels
from vesalius.data.volumes.ground import Ground
from vesalius.views.batch import Draws
from vesalius.views.pipeline import Views

LOW, HIGH = -200.0, 300.0
"""What becomes 0 and 1, in HU."""


@dataclass
class Volumes:
    """``records``: (C, x, y, z) uint16, HU + 1024; ``labels``: (x, y, z) uint8, where a voxel is above 0.5."""

    records: list[np.ndarray]
    labels: list[np.ndarray]
    ids: np.ndarray

    @staticmethod
    def of(sides: Any, channels: int = 1, seed: int = 0) -> Volumes:
        """Smooth volumes of ``sides`` (n, 3), and beside them where their first channel is above 50 HU."""
        g = np.random.default_rng(seed)
        records = []
        for size in np.asarray(sides):
            axes = np.meshgrid(*(np.linspace(0, 1, side) for side in size), indexing="ij")
            waves = [sum(np.sin(g.uniform(2, 7) * axis + g.uniform(0, 6)) for axis in axes) for _ in range(channels)]
            records.append(np.stack([np.rint(wave * 150 + 50 + g.normal(0, 3, size)) + 1024 for wave in waves]).astype(np.uint16))
        return Volumes(records, [(r[0] > 1074).astype(np.uint8) for r in records], ids(len(records)))

    @property
    def extents(self) -> np.ndarray:
        return np.array([r.shape[1:] for r in self.records])

    def ground(self, rows: np.ndarray, points: int = 64) -> Ground:
        """All of each volume is foreground; label 1 is what ``labels`` says, label 2 is nowhere."""
        g = np.random.default_rng(5)
        sides = self.extents[rows]
        found = np.floor(g.random((len(rows), points, 3)) * sides[:, None]).astype(np.int32)
        classes, background, counts = np.full((len(rows), 2, points, 3), -1, np.int32), np.full_like(found, -1), []
        for i, row in enumerate(rows):
            counts.append([int(self.labels[row].sum()), 0])
            for value, into in ((1, classes[i, 0]), (0, background[i])):
                voxels = np.argwhere(self.labels[row] == value)
                if len(voxels):
                    into[:] = voxels[g.integers(0, len(voxels), points)]
        box = np.stack([np.zeros_like(sides), sides], axis=1)
        return Ground(box, found, classes, background, np.array(counts))

    def read(self, rows: np.ndarray, windows: np.ndarray, *, masks: bool = True) -> Pixels:
        """Windows (B, R, 2, 3) of records (B, R), padded with what is no voxel of theirs."""
        extents = windows[:, :, 1] - windows[:, :, 0]
        canvas = extents.reshape(-1, 3).max(0)
        data = np.full((*rows.shape, self.records[0].shape[0], *canvas), 60000, np.uint16)
        labels = np.full((*rows.shape, *canvas), 9, np.uint8)
        for at in np.ndindex(rows.shape):
            box = tuple(slice(start, stop) for start, stop in zip(*windows[at]))
            into = tuple(slice(0, side) for side in extents[at])
            data[(*at, slice(None), *into)] = self.records[rows[at]][(slice(None), *box)]
            labels[(*at, *into)] = self.labels[rows[at]][box]
        scale = torch.full(rows.shape, 1 / (HIGH - LOW))
        offset = torch.full(rows.shape, (-1024 - LOW) / (HIGH - LOW))
        beside = torch.from_numpy(labels) if masks else None
        return Pixels(torch.from_numpy(data), torch.from_numpy(extents), scale, offset, beside, clip=True)

    def seen(self, row: int, box: Any) -> np.ndarray:
        """What a box of a record looks like: HU between LOW and HIGH as 0 to 1."""
        start, stop = box
        cut = self.records[row][(slice(None), *(slice(a, b) for a, b in zip(start, stop)))]
        return np.clip((cut.astype(np.float64) - 1024 - LOW) / (HIGH - LOW), 0, 1)


def draw(views: Views, volumes: Volumes, rows: Any = None, seed: int = 0, epoch: int = 0, turn: Any = 0) -> Draws:
    """What is drawn for records ``rows``; all of them where absent."""
    rows = np.arange(len(volumes.records)) if rows is None else np.asarray(rows)
    return views.draw(seed, epoch, rows, volumes.ids[rows], volumes.extents[rows], turn, ground=volumes.ground(rows))


def make(views: Views, volumes: Volumes, **how: Any) -> tuple[Any, Draws]:
    """The batch, and what was drawn for it."""
    draws = draw(views, volumes, **how)
    return views.apply(volumes.read(draws.rows, draws.windows), draws), draws


def recipe(*operations: Any, shared: Any = ("patch",), count: int = 2, size: Any = 12) -> dict[str, Any]:
    """One group "g" beside "clean"."""
    return {
        "dims": 3,
        "shared": list(shared),
        "clean": {"count": 1, "size": size, "operations": []},
        "g": {"count": count, "size": size, "operations": list(operations)},
    }
