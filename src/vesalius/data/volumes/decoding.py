"""From volumes' files to records: each read once, as many at a time as the memory holds."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from functools import partial
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from vesalius.data.building import Made, Sources, Task
from vesalius.data.outcomes import Kind, Unreadable
from vesalius.data.plan import Plan
from vesalius.data.readers.volume import VOLUME_DECODER, Volume, read_labels, read_volume
from vesalius.data.readers.volume_parts import made
from vesalius.data.volumes.codec import Codec
from vesalius.data.volumes.preparing import prepared
from vesalius.data.volumes.sizes import Size, size_of, stored_voxels

VOLUMES = VOLUME_DECODER * 1000 + 1
"""Raised whenever the same volume would give another record."""


def tasks(
    sources: Sources, todo: NDArray[np.int64], plan: Plan, codec: Codec, known: Mapping[bytes, object]
) -> Generator[Task, None, None]:
    """One task per volume."""
    for row in todo.tolist():
        yield Task(partial(_task, row, sources, plan, codec, known), needed(size_of(sources, row), plan))


def needed(size: Size, plan: Plan) -> int:
    """Bytes of memory that making the record of a volume takes at most.

    The file and its unpacked numbers; twice these in single precision while one axis is resampled; what is stored, and masks.
    """
    voxels, stored = np.prod(size.shape, dtype=np.float64), stored_voxels(size, plan)
    resampling = 0 if plan.spacing is None else 8
    return int(size.file + voxels * (2 * size.itemsize + resampling) + stored * 12)


def _task(row: int, sources: Sources, plan: Plan, codec: Codec, known: Mapping[bytes, object]) -> list[Made]:
    try:
        volume, labels = _read(row, sources)
        digest = record_digest(volume, labels, plan)
        if digest in known:
            return [Made(row, digest)]
        return [Made(row, digest, prepared(volume, labels, plan, codec, digest))]
    except Unreadable as refused:
        return [Made(row, refused=refused)]
    except MemoryError:
        return [Made(row, refused=Unreadable(Kind.TOO_LARGE, "It does not fit into memory."))]


def _read(row: int, sources: Sources) -> tuple[Volume, Volume | None]:
    if sources.boxes[row] is not None:
        raise Unreadable(Kind.UNSUPPORTED, "It is a box of a volume; boxes are read of images alone.")
    if sources.container is not None:
        values = sources.container(sources.uris[row])[int(sources.frames[row])]
        if values.ndim != 3:
            raise Unreadable(Kind.UNSUPPORTED, f"It has {values.ndim} axes; a volume has three, and one channel is read.")
        volume = made(values, np.eye(4))
    else:
        volume = read_volume(sources.paths[row])
    if not sources.masks or sources.masks[row] is None:
        return volume, None
    try:
        return volume, read_labels(sources.masks[row])  # type: ignore[arg-type]
    except Unreadable as refused:
        raise Unreadable(refused.kind, f"Its label volume: {refused}") from None


def record_digest(volume: Volume, labels: Volume | None, plan: Plan) -> bytes:
    """A record's address (16 bytes): its voxels, where they lie, its labels, and the plan's rules of preparing them."""
    state = blake2b(f"{plan.key}|{plan.modality == 'ct'}|{VOLUMES}".encode(), digest_size=16)
    for one in (volume, labels):
        if one is not None:
            order = "F" if one.values.flags.f_contiguous else "C"
            state.update(f"|{one.values.dtype.str}{one.values.shape}{order}".encode())
            state.update(one.affine.astype("<f8").tobytes())
            state.update(one.values.ravel(order="K").view(np.uint8).data)
    return state.digest()
