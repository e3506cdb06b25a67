"""From a volume to its record: turned, resampled, cut to its foreground, made integers, described."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vesalius import random
from vesalius.data.outcomes import Kind, Unreadable
from vesalius.data.plan import Plan
from vesalius.data.readers.volume_parts import Volume, sides_in_words
from vesalius.data.records import Record
from vesalius.data.volumes.codec import Codec, packed
from vesalius.data.volumes.facts import Facts, Points
from vesalius.data.volumes.foreground import box_around, drawn, foreground, points_of
from vesalius.data.volumes.geometry import Geometry, taken
from vesalius.data.volumes.quantising import coded
from vesalius.data.volumes.sizes import refused_size
from vesalius.data.volumes.statistics import statistics

_APART = 0.5


def prepared(volume: Volume, labels: Volume | None, plan: Plan, codec: Codec, digest: bytes) -> Record:
    """The record of ``volume`` and its ``labels``; its points are a function of ``digest``. Raises Unreadable."""
    geometry = Geometry.of(volume.affine, volume.values.shape, plan)
    if refused := refused_size(volume.values.shape, volume.spacing, geometry.whole):
        raise Unreadable(Kind.TOO_LARGE, refused)
    values = taken(volume.values, geometry)
    inside = foreground(values, plan.foreground)
    box = box_around(inside)
    if plan.crop:
        cut = tuple(map(slice, *box.tolist()))
        geometry = geometry.cropped(tuple(box[0].tolist()), tuple((box[1] - box[0]).tolist()))
        values, inside, box = values[cut], np.ascontiguousarray(inside[cut]), box - box[0]
    codes = coded(values, whole=plan.modality == "ct")
    low, high = float(values.min()), float(values.max())
    del values
    draw = random.generator("ground", digest.hex())
    points = points_of(inside, draw)
    parts = [packed(codes.codes, codec)]
    found: tuple[dict[int, tuple[int, Points]], Points] | None = None
    if labels is not None:
        mask = _on_grid(labels, geometry, plan)
        parts.append(packed(mask, codec))
        found = _of_labels(mask, inside, draw)
    facts = Facts(
        geometry.as_dict(), statistics(codes, inside), box, points, *_lengths(parts), *((None, None) if found is None else found)
    ).to_bytes()
    shape = (1, *geometry.stored)
    return Record((*parts, facts), shape, True, codes.scale, codes.offset, low, high, codec != "raw", len(facts))


def _lengths(parts: list[memoryview]) -> tuple[int, int]:
    return len(parts[0]), len(parts[1]) if len(parts) > 1 else 0


def _on_grid(labels: Volume, geometry: Geometry, plan: Plan) -> NDArray[np.uint8]:
    """``labels`` on the voxels that ``geometry`` keeps of the image. Raises Unreadable where they are not the image's."""
    own = Geometry.of(labels.affine, labels.values.shape, plan)
    if own.whole != geometry.whole:
        raise Unreadable(
            Kind.GEOMETRY,
            f"Its label volume has {sides_in_words(own.shape)} voxels of {_mm(labels.spacing)}, the image {sides_in_words(geometry.shape)} of"
            f" {_mm(tuple(np.sqrt((np.array(geometry.affine)[:3, :3] ** 2).sum(0))))}: labels must lie on the image's own voxels.",
        )
    whole = geometry.cropped(tuple(-side for side in geometry.origin), geometry.whole)
    corners = np.array([[0, 0, 0, 1], [*(side - 1 for side in geometry.whole), 1]], np.float64).T
    apart = float(np.abs((own.stored_affine - whole.stored_affine) @ corners).max())
    if apart > _APART * min(geometry.spacing):
        raise Unreadable(
            Kind.GEOMETRY, f"Its label volume lies up to {apart:.3g} mm from the image: labels must lie on the image's own voxels."
        )
    return taken(labels.values, own.cropped(geometry.origin, geometry.stored), labels=True).astype(np.uint8, copy=False)


def _of_labels(
    mask: NDArray[np.uint8], inside: NDArray[np.bool_], draw: np.random.Generator
) -> tuple[dict[int, tuple[int, Points]], Points]:
    """By label value but 0 how many voxels and which points, and points of the foreground's label 0."""
    counts = np.stack([np.bincount(plane.reshape(-1), minlength=256) for plane in mask])
    found: dict[int, tuple[int, Points]] = {}
    for value in (1 + np.flatnonzero(counts[:, 1:].any(0))).tolist():
        of_value = counts[:, value]
        found[value] = int(of_value.sum()), drawn(lambda x, value=value: mask[x] == value, of_value, draw)  # type: ignore[misc]
    bare = np.array([np.count_nonzero(there & (plane == 0)) for there, plane in zip(inside, mask)])
    return found, drawn(lambda x: inside[x] & (mask[x] == 0), bare, draw)


def _mm(spacing: tuple[Any, ...]) -> str:
    return f"{' x '.join(f'{side:.3g}' for side in spacing)} mm"
