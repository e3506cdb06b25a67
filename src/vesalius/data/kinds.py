"""What storing images and storing volumes do differently; everything else is one machinery (``store``)."""

from __future__ import annotations

import os
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from vesalius.data import decoding, readers
from vesalius.data.building import Sources, Task
from vesalius.data.estimating import estimated_bytes
from vesalius.data.pixel_store import PixelStore
from vesalius.data.plan import Plan
from vesalius.data.pool import Pool
from vesalius.data.record_store import RecordStore
from vesalius.data.records import Records
from vesalius.data.settings import StoreSettings
from vesalius.data.volumes import decoding as volume_decoding
from vesalius.data.volumes import sizes
from vesalius.data.volumes.codec import Codec, check
from vesalius.data.volumes.volume_store import VolumeStore
from vesalius.errors import UserError

if TYPE_CHECKING:
    from vesalius.data.table import SampleTable


class Kind(Protocol):
    """Images by some settings, or volumes by a plan."""

    word: ClassVar[str]
    version: ClassVar[int]

    @property
    def key(self) -> str:
        """The settings in one word, part of every record's address."""

    @property
    def threads(self) -> int:
        """How many decoders work at a time."""

    def about(self) -> dict[str, object]:
        """What ``vesalius data list`` shows: size, channels."""

    def tasks(self, sources: Sources, todo: NDArray[np.int64], known: Mapping[bytes, object]) -> Generator[Task, None, None]:
        """The decoding of rows ``todo``; digests in ``known`` are stored already."""

    def estimate(self, sources: Sources, todo: NDArray[np.int64]) -> int:
        """Bytes that storing rows ``todo`` will take, by headers."""

    def opened(self, pool: Pool, records: Records, table: SampleTable) -> RecordStore:
        """The store of ``records``."""


@dataclass(frozen=True)
class Images:
    """Images, at the size and with the channels of ``settings``."""

    word: ClassVar[str] = "images"
    version: ClassVar[int] = readers.DECODER

    settings: StoreSettings

    @property
    def key(self) -> str:
        """As ``Kind``."""
        return self.settings.key

    @property
    def threads(self) -> int:
        """Two per core: some wait for the disk."""
        return min(16, 2 * cores())

    def about(self) -> dict[str, object]:
        """As ``Kind``."""
        return {"size": self.settings.size, "channels": self.settings.channels}

    def tasks(self, sources: Sources, todo: NDArray[np.int64], known: Mapping[bytes, object]) -> Generator[Task, None, None]:
        """As ``Kind``."""
        return decoding.tasks(sources, todo, self.settings, known)

    def estimate(self, sources: Sources, todo: NDArray[np.int64]) -> int:
        """As ``Kind``."""
        return estimated_bytes(sources, todo, self.settings)

    def opened(self, pool: Pool, records: Records, table: SampleTable) -> PixelStore:
        """As ``Kind``."""
        return PixelStore(pool, records, self.settings, table.source)


@dataclass(frozen=True)
class Volumes:
    """Volumes on the grid of a ``plan``, ``labelled`` or without label volumes. ``codec``: how new records are packed; a store may hold
    both kinds.
    """

    word: ClassVar[str] = "volumes"
    version: ClassVar[int] = volume_decoding.VOLUMES

    plan: Plan
    labelled: bool
    codec: Codec = "raw"

    @property
    def key(self) -> str:
        """As ``Kind``."""
        return f"{self.plan.key}{'-ct' if self.plan.modality == 'ct' else ''}{'-labelled' if self.labelled else ''}"

    @property
    def threads(self) -> int:
        """One per core: unpacking and resampling are arithmetic."""
        return cores()

    def about(self) -> dict[str, object]:
        """As ``Kind``."""
        return {"size": self.plan.voxels, "channels": 1}

    def tasks(self, sources: Sources, todo: NDArray[np.int64], known: Mapping[bytes, object]) -> Generator[Task, None, None]:
        """As ``Kind``."""
        return volume_decoding.tasks(sources, todo, self.plan, self.codec, known)

    def estimate(self, sources: Sources, todo: NDArray[np.int64]) -> int:
        """As ``Kind``."""
        return sizes.estimated_bytes(sources, todo, self.plan)

    def opened(self, pool: Pool, records: Records, table: SampleTable) -> VolumeStore:
        """As ``Kind``."""
        task = table.task if table.task is not None and table.task.kind == "segmentation" else None
        return VolumeStore(pool, records, self.plan, table.source, self.labelled, None if task is None else len(task.classes) - 1)


def cores() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def kind_of(table: SampleTable, settings: StoreSettings | Plan | None, codec: Codec = "raw") -> Kind:
    """Volumes for a plan, images for settings of images. Raises UserError where table and settings do not fit."""
    if isinstance(settings, Plan):
        check(codec)
        return Volumes(settings, "mask" in table.frame and bool(table.frame["mask"].notna().any()), codec)
    if table.dims == 3:
        raise UserError(f"{table.source} holds volumes, but is to be stored as images. Give a plan.")
    return Images(settings or StoreSettings())
