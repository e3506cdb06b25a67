"""The demo's images: 8,500 patches of MRI, 32 × 32, cut from the averaged head inside the package nilearn, offline.

Each patch shows 64 mm (51 to 80) of one sagittal slice of the MNI152 T1 template, tilted by up to 30°, as no two heads
lie alike in a scanner, and standardised, so that mean and spread tell nothing. The label is the region its centre lies
in: that of the nearest of the 160 centres of Dosenbach et al. (Science 2010), mirrored to the one hemisphere used; the
brain stem counts to what lies nearest. The template is its own mirror image to the last bit, so only one hemisphere is
cut: a split by left and right would test on the training images. The parts are slabs of slices, 6 mm or more apart.

Licences. Template: ICBM 2009a nonlinear symmetric, © 1993-2009 Louis Collins, McConnell Brain Imaging Centre, Montreal
Neurological Institute, McGill University: "Permission to use, copy, modify, and distribute this software and its
documentation for any purpose and without fee is hereby granted, provided that the above copyright notice appear in all
copies." Fonov et al., NeuroImage 2011. Nilearn: BSD-3-Clause; it names no licence for the centres' coordinates.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vesalius import random
from vesalius.data.containers import SourceContainer
from vesalius.data.table import SampleTable
from vesalius.data.task import TaskSpec, classification

BUILT_IN = True
REGIONS: dict[str, tuple[str, ...]] = {
    "frontal": (
        "vmPFC", "aPFC", "mPFC", "dlPFC", "dFC", "vFC", "vlPFC", "vPFC", "sup frontal", "vent aPFC", "frontal", "mFC",
        "pre-SMA", "SMA", "dACC", "ACC", "precentral gyrus",
    ),
    "parietal": (
        "parietal", "IPL", "IPS", "precuneus", "post cingulate", "angular gyrus", "TPJ", "sup parietal",
        "post parietal",
    ),
    "temporal": ("temporal", "inf temporal", "sup temporal", "fusiform"),
    "occipital": ("occipital", "post occipital"),
    "insula and deep grey": ("ant insula", "mid insula", "post insula", "basal ganglia", "thalamus"),
    "cerebellum": ("inf cerebellum", "med cerebellum", "lat cerebellum"),
}  # fmt: skip
"""Each region with the names that Dosenbach's centres bear there."""

TASKS: dict[str, TaskSpec] = {"region": classification("region", "region", tuple(REGIONS))}
SLABS = (
    (1, 8, "train"), (14, 16, "test"), (22, 29, "train"), (35, 37, "val"), (43, 50, "train"), (56, 58, "test"),
    (64, 68, "train"),
)  # fmt: skip
"""First and last sagittal slice (mm from the middle of the head) of each part."""

PATCHES = {"train": 200, "val": 300, "test": 300}
"""Patches cut from one slice."""

SIZE = 32  # pixels
FIELD = 64.0  # mm across a patch, before the zoom
TILT = 30.0  # degrees, to either side
ZOOM = 1.25  # a patch shows 1 / ZOOM to ZOOM times FIELD
LEAST_BRAIN = 0.5  # share of a patch's pixels that show brain
WARNING = (
    "These are patches of one head, the average of 152: the parts are other slices of the same head, 6 mm or more"
    " apart, and intervals speak of patches, not of people."
)
LICENCE = "ICBM 2009a template: free use with McGill University's copyright notice; nilearn: BSD-3-Clause"
_NAME = "mni152-sagittal"


@dataclass(frozen=True)
class Plan:
    """Where each patch is cut: ``slices`` (N,) voxel along x, ``centres`` (N, 2) voxel (y, z), ``tilt`` (N,) degrees,
    ``field`` (N,) mm across.
    """

    slices: NDArray[np.int64]
    centres: NDArray[np.int64]
    tilt: NDArray[np.float64]
    field: NDArray[np.float64]

    def coordinates(self, pixels: int) -> NDArray[np.float64]:
        """``(N, 2, pixels, pixels)``: voxel (y, z) of each pixel; rows go down from the crown, columns forward."""
        side = (np.arange(pixels) + 0.5) / pixels - 0.5
        down, forward = np.meshgrid(side, side, indexing="ij")
        angle = np.deg2rad(self.tilt)
        c, s = ((f(angle) * self.field)[:, None, None] for f in (np.cos, np.sin))
        return np.stack([c * forward + s * down, s * forward - c * down], 1) + self.centres[:, :, None, None]


def index(root: Path | None, *, task: str | None = None) -> SampleTable:
    """The table of all patches, with position (mm in MNI space), tilt and width of each. ``root`` is not needed."""
    plan = _plan()
    zero = _origin()
    place = np.column_stack([plan.slices, plan.centres]) + zero
    first = [zero[0] + plan.slices == x for x in range(SLABS[-1][1] + 1)]
    parts = np.empty(len(place), dtype=object)
    for start, end, part in SLABS:
        for x in range(start, end + 1):
            parts[first[x]] = part
    columns = {
        "split": parts.tolist(),
        "label.region": _regions(place),
        "width": np.full(len(place), SIZE),
        "height": np.full(len(place), SIZE),
        "meta.x": place[:, 0], "meta.y": place[:, 1], "meta.z": place[:, 2],
        "meta.tilt": plan.tilt, "meta.field": plan.field,
    }  # fmt: skip
    return SampleTable.of(
        "demo", "", [_NAME] * len(place), columns, frames=np.arange(len(place)),
        class_names={"region": list(REGIONS)}, task=TASKS[task or "region"], container=SourceContainer("demo", ""),
        licence=LICENCE, split_by="source", warnings=[WARNING],
    )  # fmt: skip


def read(root: Path, uri: str) -> NDArray[np.uint8]:
    """``(N, 32, 32)`` all patches, grey."""
    return cut(_volume(), _plan())


def cut(volume: NDArray[np.float32], plan: Plan) -> NDArray[np.uint8]:
    """``(N, 32, 32)`` the patches of ``plan`` from ``volume`` (x, y, z); each reads one slice and nothing else."""
    from scipy.ndimage import gaussian_filter, map_coordinates

    out = np.empty((len(plan.slices), SIZE, SIZE), np.float32)
    grid = plan.coordinates(SIZE)
    for x in np.unique(plan.slices):
        here = plan.slices == x
        smooth = gaussian_filter(volume[x], 0.4 * FIELD / SIZE)  # a pixel is wider than a voxel: no aliasing
        out[here] = map_coordinates(smooth, grid[here].transpose(1, 0, 2, 3), order=1)
    return _standardised(out)


def _standardised(patches: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Mean 128 and deviation 48 for every patch, to about one grey level, after its extremes are cut off."""
    patches = patches - patches.mean((1, 2), keepdims=True)
    patches = patches / patches.std((1, 2), keepdims=True)
    for _ in range(8):  # cutting moves mean and deviation, so they are set again, until little is left to cut
        patches = np.clip(patches, -2.6, 2.6)
        patches = patches - patches.mean((1, 2), keepdims=True)
        patches = patches / patches.std((1, 2), keepdims=True)
    return np.round(patches * 48 + 128).clip(0, 255).astype(np.uint8)


@lru_cache(maxsize=1)
def _plan() -> Plan:
    """Drawn evenly over the brain of each slice, by one generator a slice."""
    volume, zero = _volume(), _origin()
    drawn = [
        _slice(volume[x - zero[0]] > 0, x - zero[0], PATCHES[part], random.generator("demo", x))
        for start, end, part in SLABS
        for x in range(start, end + 1)
    ]
    return Plan(*(np.concatenate(parts) for parts in zip(*drawn, strict=True)))


def _slice(
    brain: NDArray[np.bool_], x: int, n: int, generator: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """The first ``n`` of eight times as many candidates whose patch shows enough brain."""
    inside = np.argwhere(brain)
    centres = inside[generator.integers(len(inside), size=8 * n)]
    tilt = generator.uniform(-TILT, TILT, 8 * n)
    field = FIELD * ZOOM ** generator.uniform(-1, 1, 8 * n)
    coarse = Plan(np.full(8 * n, x), centres, tilt, field).coordinates(8)
    around = np.pad(brain, int(FIELD * ZOOM))  # no patch reaches farther
    y, z = np.rint(coarse).astype(np.int64).transpose(1, 0, 2, 3) + int(FIELD * ZOOM)
    keep = np.flatnonzero(around[y, z].mean((1, 2)) >= LEAST_BRAIN)[:n]
    return np.full(len(keep), x), centres[keep], tilt[keep], field[keep]


def _regions(place: NDArray[np.int64]) -> NDArray[np.float64]:
    """``(N,)`` the number of the region whose centre lies nearest to each ``place`` (N, 3) in mm."""
    from nilearn.datasets import fetch_coords_dosenbach_2010
    from sklearn.neighbors import KDTree

    atlas = fetch_coords_dosenbach_2010()
    number = {name: i for i, names in enumerate(REGIONS.values()) for name in names}
    region = np.array([number[re.sub(r" \d+$", "", str(label))] for label in atlas.labels])
    centres = np.column_stack([np.asarray(atlas.rois[axis], np.float64) for axis in "xyz"])
    both = np.concatenate([centres, centres * [-1, 1, 1]])  # the template has two right halves
    nearest = KDTree(both).query(place, return_distance=False)[:, 0]
    labels: NDArray[np.float64] = region[nearest % len(region)].astype(np.float64)
    return labels


@lru_cache(maxsize=1)
def _template() -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    from nilearn.datasets import load_mni152_template

    image = load_mni152_template(resolution=1)
    return np.asarray(image.dataobj, np.float32), np.round(image.affine[:3, 3]).astype(np.int64)


def _volume() -> NDArray[np.float32]:
    """``(197, 233, 189)`` the template at 1 mm, right, forward, up; 0 outside the brain."""
    return _template()[0]


def _origin() -> NDArray[np.int64]:
    """Millimetres of voxel (0, 0, 0)."""
    return _template()[1]
