"""nnU-Net's ``dataset.json`` of version 2: ``channel_names``, ``labels`` by name, ``file_ending``; the files lie in folders beside it.

``imagesTr/CASE_0000.nii.gz`` (channel 0) with ``labelsTr/CASE.nii.gz``, and ``imagesTs``, which have labels where there is a ``labelsTs``;
or a mapping ``dataset`` of cases with ``images`` and ``label``. nnU-Net divides by cross-validation, so the list has no split. Isensee et al.,
"nnU-Net: a self-configuring method for deep learning-based biomedical image segmentation", Nature Methods 2021. The older form, with
``training``, is the Decathlon's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vesalius.data.lists.listed import Entry, Listed, classes_of, path_of
from vesalius.errors import UserError
from vesalius.files import place_of

FORM = "nnU-Net's dataset.json"


def fits(content: Any) -> bool:
    """Whether ``content`` says what only nnU-Net's file says."""
    return (
        isinstance(content, Mapping)
        and "file_ending" in content
        and ("channel_names" in content or "labels" in content)
    )


def read(content: Mapping[str, Any], file: Path, root: Path | None) -> Listed:
    """The cases with labels, those of ``imagesTs`` as test. Raises UserError where there are none, or of several channels with labels."""
    base, ending = root or file.parent, str(content["file_ending"])
    if isinstance(content.get("dataset"), Mapping):
        cases = {str(name): _said(name, case, file) for name, case in content["dataset"].items()}
        entries = [entry for name, (images, mask) in cases.items() for entry in _case(name, images, mask, "", file)]
    else:
        entries = [
            *_folders(base, "imagesTr", "labelsTr", ending, "", file),
            *_folders(base, "imagesTs", "labelsTs", ending, "test", file),
        ]
    if not entries:
        raise UserError(
            f"Beside {file.name} there is no volume: it says that files end in {ending!r}, and imagesTr holds none that is called"
            f" CASE_0000{ending}. Give the folder that holds imagesTr as data.root, or correct file_ending."
        )
    return Listed(FORM, entries, classes_of(content["labels"], file) if content.get("labels") else (), place_of(base))


def _folders(base: Path, images: str, labels: str, ending: str, split: str, file: Path) -> list[Entry]:
    if not (base / images).is_dir():
        return []
    channel = re.compile(rf"(.+)_(\d{{4}}){re.escape(ending)}")
    cases: dict[str, list[str]] = {}
    for name in sorted(path.name for path in (base / images).iterdir()):
        if match := channel.fullmatch(name):
            cases.setdefault(match[1], []).append(f"{images}/{name}")
    known = {path.name for path in (base / labels).iterdir()} if (base / labels).is_dir() else set()
    found: list[Entry] = []
    for case, paths in cases.items():
        mask = f"{labels}/{case}{ending}"
        there = f"{case}{ending}" in known
        if split != "test" or there:
            found += _case(case, paths, mask if there else None, split, file)
    return found


def _case(case: str, images: list[str], mask: str | None, split: str, file: Path) -> list[Entry]:
    if mask is not None and len(images) > 1:
        raise UserError(
            f"The case {case} of {file.name} has {len(images)} channels. Volumes of several channels can be learnt from without labels"
            " (data.labels false), each by itself; a labelled volume is one file."
        )
    # without labels, the channels of one case stay together in every split
    return [Entry(image, mask, split=split or None, subject=case if len(images) > 1 else None) for image in images]


def _said(name: Any, case: Any, file: Path) -> tuple[list[str], str | None]:
    if not isinstance(case, Mapping) or not isinstance(case.get("images"), list):
        raise UserError(
            f"The case {name!r} in {file.name} has no list 'images'. Give it one, with a path for each channel."
        )
    label = case.get("label")
    return [path_of(p, file, str(name), i) for i, p in enumerate(case["images"])], None if label is None else path_of(
        label, file, str(name), 0
    )
