"""What of the test part was seen before: people, images, images that look alike, in training or in an encoder's pretraining.

Written for every data set of an evaluation, so that its numbers are read with it. Works on tables alone; pixels are compared where a
store is at hand.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vesalius.data import matching
from vesalius.data.dataset import DataSet
from vesalius.data.table import SampleTable
from vesalius.evaluate.judged.lookup import Names

_MOST = 10_000
"""Images beyond which nothing is compared by perceptual hash: it would take longer than reading the features."""

_LEAST_SIDE = 64
"""Pixels below which different images of one kind may share their lowest frequencies."""

_KIN: Mapping[str, tuple[str, ...]] = {
    "nih-chestxray14": ("nih", "chestxray14", "chestxray8", "chestmnist", "chestx"),
    "rsna-pneumonia": ("rsna", "nih", "chestxray14", "chestxray8", "chestmnist"),
    "chestmnist": ("chestmnist", "nih", "chestxray14", "chestxray8"),
    "cifar10": ("cifar10",),
}
"""Sources whose images are, in part, those of others."""

_NO_NAMES = {"table", "folder", "npz", "medmnist", "datalist", "dicom", "volumes", "demo"}
"""Kinds of data, of which one says nothing of another."""


def of_table(table: SampleTable) -> dict[str, Any]:
    """Subjects and studies of ``table`` that its parts share: ``test`` against what is trained and chosen on, ``val`` against training."""
    part = table.frame["split"].fillna("").to_numpy(object)
    subjects = table.subjects
    found: dict[str, Any] = {"subjects_known": subjects is not None}
    studies = table.frame["study"].to_numpy(object) if "study" in table.frame else None
    for name, before in (("test", ("train", "val")), ("val", ("train",))):
        here, earlier = part == name, np.isin(part, before)
        if here.any() and earlier.any():
            found[name] = _shared(subjects, studies, here, earlier)
    return found


def of_data(data: DataSet, *, look_alike: bool = True) -> dict[str, Any]:
    """The same, and images with equal pixels, and such that look alike, in test and before, and twice in any part."""
    found = of_table(data.table)
    at = data.table_rows(np.arange(len(data.store)))
    part = data.table.frame["split"].fillna("").to_numpy(object)[at]
    test, before = part == "test", np.isin(part, ("train", "val"))
    digests = data.store.digests
    found["same_pixels"] = int(np.isin(digests[test], digests[before]).sum())
    found["twice"] = int(len(digests) - len(np.unique(digests)))
    sides = data.store.extents
    if look_alike and data.table.dims == 2 and len(data.store) <= _MOST and len(sides) and sides.min() >= _LEAST_SIDE:
        hashes = matching.hashes(data.store)
        near, _ = matching.nearest(hashes.take(np.flatnonzero(test)), hashes.take(np.flatnonzero(before)))
        found["look_alike"] = int((near >= 0).sum())
    return found


def across(data: Mapping[str, DataSet], name: str) -> dict[str, int]:
    """Test images of ``name`` by each other data set in whose training or validation they are too: of the same subject (RSNA's people are NIH's), or
    of the same pixels, where both stores keep them alike. What is learnt on one and tested on another has to know.
    """
    mine, found = _Part.of(data[name], ("test",)), {}
    for other, theirs in data.items():
        seen = _Part.of(theirs, ("train", "val"))
        count = int((np.isin(mine.subjects, seen.subjects[seen.subjects != ""]) | np.isin(mine.digests, seen.digests)).sum())
        if other != name and count:
            found[other] = count
    return found


@dataclass(frozen=True)
class _Part:
    """The stored samples of some parts: (n,) subjects, empty where unknown, and digests."""

    subjects: NDArray[np.str_]
    digests: NDArray[np.str_]

    @staticmethod
    def of(data: DataSet, parts: Sequence[str]) -> _Part:
        rows = np.concatenate([data.rows(part) for part in parts])
        names = data.table.subjects
        at = data.table_rows(rows)
        known = np.array(["" if names is None or names[row] is None else str(names[row]) for row in at], dtype=str)
        return _Part(known, data.store.digests[rows])


def pretrained_on(table: SampleTable, name: str, public: str, encoders: Sequence[Mapping[str, Any]]) -> list[str]:
    """A note for each of ``encoders`` (their facts) whose card names the data set, or one that its images come from.

    ``public``: what runs call the data, by which a user's own are known again.
    """
    own = public.rpartition(" ")[2] if table.private else ""
    kin = () if table.private else (name, table.source, *_KIN.get(table.source, ()), *_KIN.get(name, ()))
    words = {"".join(_words(word)) for word in kin} - _NO_NAMES
    found = []
    for one in encoders:
        said = str(one.get("trained_on") or "")
        trained = _words(said)
        neighbours = {"".join(trained[at : at + length]) for at in range(len(trained)) for length in (1, 2, 3)}
        if not one.get("baseline") and (words & neighbours or (own and own in said)):
            found.append(
                f"{one['name']} was pretrained on {said.rstrip('.')}: images of {name} may have been among them, the test images too. "
                "Its numbers here are transductive and may be too good."
            )
    return found


def sentences(found: Mapping[str, Any], name: str) -> list[str]:
    """What of ``found`` a reader has to know, in words; one that nothing was found where that is so."""
    said = []
    if not found["subjects_known"]:
        said.append(f"{name} does not say whose its images are: whether one person is on both sides cannot be told.")
    test = found.get("test", {})
    if test.get("images_of_shared_subjects"):
        study = f", {test['images_of_shared_studies']:,} of the same study" if test.get("images_of_shared_studies") else ""
        said.append(
            f"{test['share_of_images']:.1%} of the test images of {name} ({test['images_of_shared_subjects']:,} of {test['images']:,}) are of "
            f"people who are in training or validation{study}: results may be too good."
        )
    if found.get("val", {}).get("images_of_shared_subjects"):
        said.append(f"{found['val']['share_of_images']:.1%} of the validation images of {name} are of people who are in training: what is chosen may overfit.")
    if found.get("same_pixels"):
        said.append(f"{found['same_pixels']:,} test images of {name} are in training or validation, pixel for pixel.")
    elif found.get("look_alike"):
        said.append(f"{found['look_alike']:,} test images of {name} look like one of training or validation.")
    for other, count in found.get("also_in", {}).items():
        said.append(
            f"{count:,} test images of {name} are of people, or are images, that {other} has in training or validation: "
            "do not test here what was learnt there."
        )
    if found.get("twice"):
        said.append(f"{found['twice']:,} images of {name} are copies of another one of it.")
    return said or [f"No subject and no image of the test part of {name} is in training or validation."]


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z]+[0-9]*|[0-9]+", text.lower())


def found_any(found: Mapping[str, Any]) -> bool:
    """Whether anything of the test or validation part was seen before."""
    counts = [found.get(part, {}).get("images_of_shared_subjects", 0) for part in ("test", "val")]
    return any((*counts, found.get("same_pixels"), found.get("look_alike"), found.get("also_in")))


def names_of(table: SampleTable, rows: NDArray[np.int64]) -> tuple[Names, Names]:
    """Studies and subjects of ``rows``; None where the table knows none."""
    subjects = table.subjects
    studies = table.frame["study"].to_numpy(object)[rows] if "study" in table.frame else None
    return studies, None if subjects is None else subjects[rows]


def _shared(subjects: Names, studies: Names, here: NDArray[np.bool_], earlier: NDArray[np.bool_]) -> dict[str, Any]:
    """How many subjects, and images by subject and by study, of ``here`` are ``earlier`` too; nothing of what nobody knows."""
    found: dict[str, Any] = {"images": int(here.sum())}
    if subjects is not None:
        who = {name for name in subjects[here] if name is not None and name == name}
        seen = _seen(subjects, here, earlier)
        found |= {"subjects": len(who), "shared_subjects": len(who & set(subjects[earlier]))}
        found |= {"images_of_shared_subjects": seen, "share_of_images": seen / found["images"]}
    if studies is not None:
        found["images_of_shared_studies"] = _seen(studies, here, earlier)
    return found


def _seen(names: NDArray[np.object_], here: NDArray[np.bool_], earlier: NDArray[np.bool_]) -> int:
    import pandas as pd

    column = pd.Series(names, dtype=object)
    return int((column[here].isin(column[earlier].dropna()) & column[here].notna()).sum())
