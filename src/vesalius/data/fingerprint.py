"""What a data set's volumes are like: voxel size, sides, axes, values. A sample of them is read, always the same one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vesalius.data.listing import Progress
from vesalius.data.outcomes import Unreadable
from vesalius.data.readers.volume import Volume, read_volume
from vesalius.data.table import SampleTable
from vesalius.data.volumes.orientation import axes_of, turn
from vesalius.errors import UserError

MOST = 16
"""Volumes that are read, where there are more."""
AIR = -900.0
"""HU: what lies below is outside of a body, or in its airways."""
_VOXELS = 1 << 16  # of each volume, evenly taken
_THREADS = 2  # whole volumes are in memory
_SHARE = 0.8  # of the volumes that decide what all are
_FLAT = 0.2  # share of voxels that are exactly 0 from which on zeros are outside


@dataclass(frozen=True, eq=False)
class Looked:
    """One volume. ``shape`` voxels and ``spacing`` mm along x, y, z of RAS; ``axes``: where the file's axes point, as LPS.

    ``low``, ``high``: least and greatest value; ``whole``: whether all looked at are whole numbers; ``zeros``: share that is
    exactly 0; ``values``: voxels evenly taken over the volume, in the file's units.
    """

    shape: tuple[int, int, int]
    spacing: tuple[float, float, float]
    axes: str
    low: float
    high: float
    whole: bool
    zeros: float
    values: NDArray[np.float32]

    @property
    def like_ct(self) -> bool:
        """Whether the values can be HU: whole numbers from air, about -1000 (or what a scanner writes beyond its field), upward."""
        return self.whole and -4096 <= self.low <= AIR and self.high >= 100


@dataclass(frozen=True, eq=False)
class Fingerprint:
    """``looked``: the volumes that were read; ``count``: how many the data set has; ``unreadable``: sentences of those that could
    not be read; ``said``: the modality that the data set states (ct, mr), or nothing.
    """

    looked: tuple[Looked, ...]
    count: int
    unreadable: tuple[str, ...] = ()
    said: str = ""

    @property
    def modality(self) -> str:
        """ct where the data set says so or nearly all values are HU; mr where it says so; else other."""
        if self.said:
            return self.said
        return "ct" if np.mean([one.like_ct for one in self.looked]) >= _SHARE else "other"

    @property
    def spacings(self) -> NDArray[np.float64]:
        """(n, 3) mm."""
        return np.array([one.spacing for one in self.looked])

    @property
    def extents(self) -> NDArray[np.float64]:
        """(n, 3) mm that each volume measures."""
        return np.array([np.multiply(one.shape, one.spacing) for one in self.looked])

    @property
    def axes(self) -> Mapping[str, int]:
        """How many files' axes point where."""
        return dict(Counter(one.axes for one in self.looked).most_common())

    @property
    def zeros_are_outside(self) -> bool:
        """Whether what is around the anatomy was set to 0, as in skull-stripped MR."""
        return bool(np.mean([one.zeros >= _FLAT and one.low == 0 for one in self.looked]) >= _SHARE)

    def percentiles(self, percents: tuple[float, ...], above: float | None = None) -> tuple[float, ...]:
        """Of the values of all volumes, each counted alike; of those greater than ``above`` alone."""
        kept = [values if above is None or not (values > above).any() else values[values > above] for values in (one.values for one in self.looked)]
        least = min(len(values) for values in kept)
        even = np.concatenate([values[np.linspace(0, len(values) - 1, least).astype(np.int64)] for values in map(np.sort, kept)])
        return tuple(float(value) for value in np.percentile(even, percents))


def fingerprint(table: SampleTable, *, most: int = MOST, progress: Progress | None = None) -> Fingerprint:
    """Read up to ``most`` of ``table``'s volumes, of its training part where it has one. Raises UserError where none can be read."""
    rows = table.rows("train") if len(table.rows("train")) else np.arange(len(table))
    rows = rows[np.argsort(table.ids[rows])]
    chosen = rows[np.linspace(0, len(rows) - 1, min(most, len(rows))).round().astype(np.int64)]
    looked: list[Looked] = []
    unreadable: list[str] = []
    with ThreadPoolExecutor(_THREADS) as pool:
        for number, found in enumerate(pool.map(lambda row: _look(table, int(row)), chosen), 1):
            if isinstance(found, Looked):
                looked.append(found)
            else:
                unreadable.append(found)
            if progress is not None:
                progress(number, len(chosen))
    if not looked:
        which = "The only volume cannot be read" if len(table) == 1 else f"None of the {len(chosen)} volumes that were looked at can be read. The first"
        raise UserError(f"{which}: {unreadable[0]} `vesalius data check DATA --dims 3` names each file.")
    return Fingerprint(tuple(looked), len(table), tuple(unreadable), _said(table))


def _look(table: SampleTable, row: int) -> Looked | str:
    try:
        volume = read_volume(table.path(str(table.frame["uri"].iloc[row])))
    except Unreadable as error:
        return str(error)
    return look(volume)


def look(volume: Volume) -> Looked:
    """What one volume is like."""
    order, _ = turn(volume.affine, "RAS")
    values: NDArray[Any] = volume.values
    flat = values.ravel(order="K")
    taken = flat[:: max(1, flat.size // _VOXELS)]
    return Looked(
        shape=tuple(int(values.shape[axis]) for axis in order),  # type: ignore[arg-type]
        spacing=tuple(float(volume.spacing[axis]) for axis in order),  # type: ignore[arg-type]
        axes=axes_of(volume.affine),
        low=float(values.min()),
        high=float(values.max()),
        whole=values.dtype.kind in "iu" or bool((np.rint(taken) == taken).all()),
        zeros=float(np.mean(taken == 0)),
        values=taken.astype(np.float32),
    )


def _said(table: SampleTable) -> str:
    """The modality by the table's own column, DICOM's words or those of BIDS."""
    if "meta.modality" not in table.frame:
        return ""
    words = table.frame["meta.modality"].dropna().astype(str).str.upper()
    if not len(words):
        return ""
    if (words == "CT").mean() >= _SHARE:
        return "ct"
    return "mr" if words.str.match(r"(MR|T1|T2|PD|FLAIR|DWI|ADC|SWI|INV)").mean() >= _SHARE else "other"
