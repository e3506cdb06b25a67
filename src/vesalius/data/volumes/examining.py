"""Every volume of a table read and looked at: what will be left out and why, and what a user should know of the rest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from vesalius.data.listing import Progress
from vesalius.data.outcomes import Kind, Unreadable
from vesalius.data.plan import Plan
from vesalius.data.readers.volume import read_labels, read_volume
from vesalius.data.readers.volume_parts import Volume, made, sides_in_words
from vesalius.data.volumes.geometry import Geometry
from vesalius.data.volumes.orientation import axes_of
from vesalius.data.volumes.sizes import refused_size

if TYPE_CHECKING:
    from vesalius.data.table import SampleTable

_AT_ONCE = 2  # volumes in memory
_THIN = 3.0
_FEW = 8
_APART = 0.5


@dataclass
class Examined:
    """``facts``: shapes, spacings, orientations and values in words. ``unreadable`` rows with why they will be left out,
    ``problems``: rows with what is odd about them though they are used. ``same``: {"train/test": volumes in both}.
    """

    facts: dict[str, Any] = field(default_factory=dict)
    unreadable: list[tuple[int, str]] = field(default_factory=list)
    problems: list[tuple[int, str]] = field(default_factory=list)
    same: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class _Seen:
    shape: tuple[int, ...] = ()
    spacing: tuple[float, ...] = ()
    axes: str = ""
    ends: tuple[float, float] = (0.0, 0.0)
    voxels: Mapping[int, int] = field(default_factory=dict)
    digest: bytes = b""
    refused: str = ""
    odd: Sequence[str] = ()


def examine(
    table: SampleTable, plan: Plan, splits: Mapping[str, Sequence[int]], progress: Progress | None = None
) -> Examined:
    """Read every volume of ``table`` with its labels, and look at it as ``plan`` would have it. ``splits``: rows by name."""
    masks = (
        table.frame["mask"].astype(object).where(table.frame["mask"].notna(), None).tolist()
        if "mask" in table.frame
        else []
    )
    classes = table.task.classes if table.task is not None and table.task.kind == "segmentation" else ()
    seen: list[_Seen] = []

    def look(row: int) -> _Seen:
        mask = masks[row] if masks else None
        try:
            return _looked_at(_image(table, row), None if mask is None else table.path(mask), classes, plan)
        except Unreadable as refused:
            return _Seen(refused=str(refused))

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for row, found in enumerate(pool.map(look, range(len(table)))):
            seen.append(found)
            if progress is not None:
                progress(row + 1, len(table))
    out = Examined(_facts([one for one in seen if not one.refused], classes))
    out.unreadable = [(row, one.refused) for row, one in enumerate(seen) if one.refused]
    out.problems = [(row, sentence) for row, one in enumerate(seen) for sentence in one.odd]
    for one, other in combinations(splits, 2):
        digests = [{seen[row].digest for row in splits[name] if seen[row].digest} for name in (one, other)]
        out.same[f"{one}/{other}"] = len(digests[0] & digests[1])
    return out


def _image(table: SampleTable, row: int) -> Volume:
    uri = str(table.frame["uri"].iloc[row])
    if table.container is None:
        return read_volume(table.path(uri))
    return made(table.container(uri)[int(table.frame["frame"].iloc[row])], np.eye(4))


def _looked_at(volume: Volume, mask: Path | None, classes: Sequence[str], plan: Plan) -> _Seen:
    odd = list(volume.notes)
    geometry = Geometry.of(volume.affine, volume.values.shape, plan)
    spacing = volume.spacing
    if refused := refused_size(volume.values.shape, spacing, geometry.whole):
        raise Unreadable(Kind.TOO_LARGE, refused)
    if max(spacing) >= _THIN * min(spacing):
        odd.append(
            f"slices of {max(spacing):.3g} mm at pixels of {min(spacing):.3g} mm: details between slices are not there"
        )
    if min(volume.values.shape) < _FEW:
        odd.append(f"a thin stack: {sides_in_words(volume.values.shape)} voxels")
    if any(side < wanted for side, wanted in zip(geometry.whole, plan.patch, strict=True)):
        odd.append(f"smaller than the patch, {sides_in_words(plan.patch)} voxels at the plan's spacing: it is padded")
    ends = float(volume.values.min()), float(volume.values.max())
    if ends[0] == ends[1]:
        odd.append(f"every voxel is {ends[0]:g}")
    voxels = {} if mask is None else _labels(mask, geometry, classes, odd)
    values = volume.values
    digest = blake2b(f"{values.dtype}{values.shape}".encode(), digest_size=16)
    digest.update(np.ascontiguousarray(values.T if values.flags.f_contiguous else values).view(np.uint8).data)
    return _Seen(values.shape, spacing, axes_of(volume.affine), ends, voxels, digest.digest(), "", odd)


def _labels(mask: Path, image: Geometry, classes: Sequence[str], odd: list[str]) -> dict[int, int]:
    """How many voxels have each label. Raises Unreadable where the labels cannot be used for this image."""
    try:
        labels = read_labels(mask)
    except Unreadable as refused:
        raise Unreadable(refused.kind, f"Its label volume: {refused}") from None
    own = Geometry.of(labels.affine, labels.values.shape, Plan())
    other = Geometry.of(np.array(image.affine), image.shape, Plan())
    if own.whole != other.whole:
        raise Unreadable(
            Kind.GEOMETRY,
            f"Its label volume has {sides_in_words(own.whole)} voxels, the image {sides_in_words(other.whole)}.",
        )
    corners = np.array([[0, 0, 0, 1], [*(side - 1 for side in other.whole), 1]], np.float64).T
    apart = float(np.abs((own.stored_affine - other.stored_affine) @ corners).max())
    if apart > _APART * min(other.spacing):
        raise Unreadable(Kind.GEOMETRY, f"Its label volume lies up to {apart:.3g} mm from the image.")
    odd += [f"its label volume: {note}" for note in labels.notes if note not in odd]
    counts = np.bincount(labels.values.ravel(order="K"), minlength=1)
    voxels = {int(value): int(counts[value]) for value in np.flatnonzero(counts)}
    if classes and (beyond := [value for value in voxels if value >= len(classes)]):
        odd.append(
            f"its label volume holds the value{'s' * (len(beyond) > 1)} {', '.join(map(str, beyond))}, the task 0 to {len(classes) - 1}"
        )
    if set(voxels) == {0}:
        odd.append("its label volume holds no label but 0")
    return voxels


def _facts(seen: list[_Seen], classes: Sequence[str]) -> dict[str, Any]:
    """Medians and ends of what was read; for labels in how many volumes each is, and its share of voxels."""
    if not seen:
        return {}
    shapes, spacings = (np.array([getattr(one, name) for one in seen], np.float64) for name in ("shape", "spacing"))
    found: dict[str, Any] = {
        "sides in voxels": {
            name: sides_in_words(rule(shapes, 0).astype(int).tolist()) for name, rule in _RULES.items()
        },
        "spacing in mm": {
            name: " x ".join(f"{side:.3g}" for side in rule(spacings, 0)) for name, rule in _RULES.items()
        },
        "axes point to": dict(Counter(one.axes for one in seen).most_common()),
        "values": {"least": min(one.ends[0] for one in seen), "most": max(one.ends[1] for one in seen)},
    }
    labelled = [one for one in seen if one.voxels]
    total = sum(sum(one.voxels.values()) for one in labelled)
    for value in (
        sorted({value for one in labelled for value in one.voxels} | set(range(len(classes)))) if labelled else ()
    ):
        share = sum(one.voxels.get(value, 0) for one in labelled) / total
        name = classes[value] if value < len(classes) else "no class"
        found.setdefault("label values", {})[f"{value} ({name})"] = (
            f"in {sum(value in one.voxels for one in labelled)} volumes, {share:.3%} of voxels"
        )
    return found


_RULES: Mapping[str, Any] = {"least": np.min, "median": np.median, "most": np.max}
