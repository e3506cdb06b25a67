"""Beyond the Cranial Vault as Synapse gives it (``RawData/Training/{img,label}``), and as the tutorial moved it, small."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from tests import data_sets
from tests.trees.phantoms import SHAPE, abdomen, write_as

LABELLED = (*range(1, 11), *range(21, 41))
UNLABELLED = tuple(range(61, 81))
CLASSES = (
    "background",
    "spleen",
    "rkid",
    "lkid",
    "gall",
    "eso",
    "liver",
    "sto",
    "aorta",
    "IVC",
    "veins",
    "pancreas",
    "rad",
    "lad",
)
"""The words of the tutorial's lists, by label value."""
TRAINING = {24: (*range(1, 11), *range(21, 35)), 12: (*range(1, 11), 21, 22), 6: tuple(range(1, 7))}
VALIDATION = tuple(range(35, 41))
LISTS = {size: data_sets.LISTS / name for size, name in (
    (24, "btcv-dataset_0.json"), (12, "btcv-dataset_0_init_12.json"), (6, "btcv-dataset_0_init_6.json"))}  # fmt: skip
"""The tutorial's lists, where they are at hand; they are no part of the project."""
_FOLDERS = {"native": ("RawData/Training/img", "RawData/Training/label", "RawData/Testing/img"),
            "flat": ("imagesTr", "labelsTr", "imagesTs")}  # fmt: skip


def write(
    root: Path,
    numbers: Sequence[int] = LABELLED,
    *,
    layout: str = "native",
    shape: tuple[int, int, int] = SHAPE,
    axes: str = "LAS",
    noise: float = 12.0,
    unlabelled: Sequence[int] = (),
    empty: bool = False,
) -> Path:
    """``root`` with ``img0001.nii.gz`` and ``label0001.nii.gz`` of each of ``numbers``, and images alone of ``unlabelled``.

    ``layout``: ``native`` or ``flat``. ``empty``: files without bytes, where only names matter.
    """
    images, labels, others = (root / folder for folder in _FOLDERS[layout])
    for number in (*numbers, *unlabelled):
        labelled = number not in unlabelled
        places = [(images if labelled else others) / f"img{number:04}.nii.gz"]
        places += [labels / f"label{number:04}.nii.gz"] * labelled
        if empty:
            for place in places:
                place.parent.mkdir(parents=True, exist_ok=True)
                place.touch()
        else:
            values, segmentation, affine = abdomen(shape, number, noise=noise)
            for place, array in zip(places, (values, segmentation), strict=False):
                write_as(place, array, affine, axes)
    return root


def write_list(path: Path, size: int = 24, *, test: Sequence[int] = UNLABELLED) -> Path:
    """A list of the tutorial's form with ``size`` training volumes, its untrue counts included."""

    def entry(number: int) -> dict[str, str]:
        return {"image": f"imagesTr/img{number:04}.nii.gz", "label": f"labelsTr/label{number:04}.nii.gz"}

    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({
        "name": "btcv", "tensorImageSize": "3D", "modality": {"0": "CT"},
        "labels": {str(value): name for value, name in enumerate(CLASSES)}, "numTraining": 80, "numTest": 20,
        "training": [entry(number) for number in TRAINING[size]], "validation": [entry(number) for number in VALIDATION],
        "test": [f"imagesTs/img{number:04}.nii.gz" for number in test],
    }))  # fmt: skip
    return path
