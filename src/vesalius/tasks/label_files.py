"""Label volumes as files: what they are called, one written for one scan, and how much of each class is in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vesalius.data.volumes.geometry import Geometry, labels_onto_source, onto_source
from vesalius.data.volumes.writing import suffix_for, write_volume

_SUFFIXES = (".nii.gz", ".nii", ".nrrd", ".nhdr", ".mha", ".mhd", ".dcm")


def is_volume(name: str) -> bool:
    """Whether ``name`` is that of a file of one volume."""
    return name.lower().endswith(_SUFFIXES)


def names(uris: Sequence[str], ids: Sequence[str]) -> list[str]:
    """``sub/NAME_seg.nii.gz`` for each ``sub/NAME.nii.gz``, below one folder; of a DICOM series its folder is the name.

    Where two scans would share one (``a.mha`` and ``a.mhd``) their ids tell them apart.
    """
    plain = [f"{_stem(uri)}_seg{suffix_for(uri)}" for uri in uris]
    twice = {name for name in plain if plain.count(name) > 1} if len(set(plain)) < len(plain) else set()
    return [f"{_stem(uri)}-{id_[:8]}_seg{suffix_for(uri)}" if name in twice else name for uri, id_, name in zip(uris, ids, plain, strict=True)]


def _stem(uri: str) -> str:
    """``uri`` without a suffix of volumes, as a path that stays below the folder it is joined to."""
    name = uri.replace("\\", "/").rstrip("/")
    lower = name.lower()
    suffix = next((end for end in _SUFFIXES if lower.endswith(end)), "")
    parts = [part for part in name[: len(name) - len(suffix)].replace("#", "_").split("/") if part not in ("", ".", "..")]
    if len(parts) > 1 and (parts[0].endswith(":") or name.startswith("/")):  # a place elsewhere: its last name will do
        parts = parts[-1:]
    return "/".join(parts) or "scan"


@dataclass(frozen=True)
class Written:
    """A label volume: its ``file``, ``size`` in bytes, and of each class, the background first, ``voxels`` of the scan's grid and ml."""

    file: str
    size: int
    voxels: list[int]
    ml: list[float]

    def as_dict(self) -> dict[str, Any]:
        """Its JSON."""
        return {"file": self.file, "bytes": self.size, "voxels": self.voxels, "ml": self.ml}


def write(folder: Path, name: str, chances: Tensor, geometry: Geometry, like: Path | None, *, probabilities: bool) -> Written:
    """Write ``folder/name`` of probabilities (L + 1, *stored) on the voxels of the scan's own file, in its place and format.

    ``like``: that file. ``probabilities``: the classes' probabilities too, as channels of ``NAME_prob``.
    """
    labels = labels_onto_source(chances, geometry)
    affine = np.array(geometry.affine)
    place = folder / name
    place.parent.mkdir(parents=True, exist_ok=True)
    if probabilities:
        outside = torch.zeros(len(chances), device=chances.device)
        outside[0] = 1
        values = onto_source(chances.float(), geometry, outside=outside).cpu().numpy()
        write_volume(folder / _of_probabilities(name), np.ascontiguousarray(values), affine, like=like)
    write_volume(place, labels, affine, like=like)
    counted = np.bincount(labels.ravel(), minlength=len(chances))
    return Written(name, place.stat().st_size, counted.tolist(), [round(float(ml), 6) for ml in counted * voxel_ml(affine)])


def whole(folder: Path, said: Any, *, probabilities: bool) -> Written | None:
    """What ``Written.as_dict`` ``said``, where its files are there as they were written."""
    if not isinstance(said, dict) or not {"file", "bytes", "voxels", "ml"} <= said.keys():
        return None
    place = folder / said["file"]
    if not place.is_file() or place.stat().st_size != said["bytes"]:
        return None
    if probabilities and not (folder / _of_probabilities(said["file"])).is_file():
        return None
    return Written(said["file"], said["bytes"], said["voxels"], said["ml"])


def voxel_ml(affine: NDArray[np.float64]) -> float:
    """Volume of a voxel of ``affine`` (4, 4) in ml, a thousand cubic mm."""
    return float(abs(np.linalg.det(affine[:3, :3]))) / 1000


def _of_probabilities(name: str) -> str:
    stem, _, suffix = name.rpartition("_seg")
    return f"{stem}_prob{suffix}"
