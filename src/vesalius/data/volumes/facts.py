"""What stands behind a volume's voxels in its record: where it lies in space, its statistics, points of its foreground."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vesalius.data.volumes.statistics import QUANTILES, Statistics

Points = NDArray[np.uint16]


@dataclass(frozen=True, eq=False)
class Facts:
    """Of one record, in stored voxels.

    ``geometry``: as ``Geometry`` gives it for JSON; ``box`` (2, 3) of the foreground; ``points`` (n, 3) of it; of a labelled
    record ``labels``, by label value how many voxels and points (n, 3) of them, and ``background``, points (n, 3) of the
    foreground's label 0. ``voxels``, ``mask``: bytes of the record's first two parts, ``mask`` 0 without labels.
    """

    geometry: Mapping[str, Any]
    statistics: Statistics
    box: NDArray[np.int64]
    points: Points
    voxels: int
    mask: int = 0
    labels: Mapping[int, tuple[int, Points]] | None = None
    background: Points | None = None

    def to_bytes(self) -> bytes:
        """Eight bytes of length, JSON of that length, then the arrays."""
        known = self.statistics
        head = {
            "geometry": self.geometry,
            "foreground": [known.voxels, known.mean, known.std, known.error],
            "box": self.box.tolist(),
            "parts": [self.voxels, self.mask],
            "points": len(self.points),
            "labels": None
            if self.labels is None
            else [[value, count, len(at)] for value, (count, at) in self.labels.items()],
            "background": None if self.background is None else len(self.background),
        }
        text = json.dumps(head, separators=(",", ":")).encode()
        every = [
            self.points,
            *(at for _, at in (self.labels or {}).values()),
            *([] if self.background is None else [self.background]),
        ]
        arrays = [known.quantiles.astype("<f8").tobytes(), *(np.ascontiguousarray(at, "<u2").tobytes() for at in every)]
        return b"".join([len(text).to_bytes(8, "little"), text, *arrays])

    @classmethod
    def from_bytes(cls, data: NDArray[np.uint8]) -> Facts:
        """The inverse of ``to_bytes``; arrays stay where ``data`` lie."""
        stop = 8 + int.from_bytes(data[:8].tobytes(), "little")
        head = json.loads(data[8:stop].tobytes())
        quantiles = np.frombuffer(data, "<f8", len(QUANTILES), stop)
        lengths = [
            head["points"],
            *(length for *_, length in head["labels"] or []),
            *([] if head["background"] is None else [head["background"]]),
        ]
        arrays = _arrays(data, stop + quantiles.nbytes, lengths)
        voxels, mean, std, error = head["foreground"]
        points = next(arrays)
        labels = (
            None if head["labels"] is None else {value: (count, next(arrays)) for value, count, _ in head["labels"]}
        )
        background = None if head["background"] is None else next(arrays)
        known = Statistics(voxels, mean, std, quantiles, error)
        of_voxels, of_mask = head["parts"]
        return cls(head["geometry"], known, np.array(head["box"], np.int64), points, of_voxels, of_mask, labels, background)


def _arrays(data: NDArray[np.uint8], start: int, lengths: list[int]) -> Iterator[Points]:
    for length in lengths:
        yield np.frombuffer(data, "<u2", 3 * length, start).reshape(length, 3)
        start += 6 * length
