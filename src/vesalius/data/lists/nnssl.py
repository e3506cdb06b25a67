"""nnssl's ``pretrain_data.json``: a collection of data sets, their subjects, sessions, images and the masks of these.

A subject is one of its data set (``subject``), a session is its ``study``; ``modality`` is kept to filter by (``meta.modality``), and
``anatomy_mask`` and ``anonymization_mask`` in the table as ``meta.anatomy_mask`` and ``meta.anonymization_mask``: they say where to look, not
what is to be predicted. Paths may begin with ``$nnssl_raw``: the environment variable of that name, else ``data.root``, else the folder
above the list's. Wald et al., "An OpenMind for 3D medical vision self-supervised learning", ICCV 2025.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from vesalius.data.lists.listed import Entry, Listed, path_of
from vesalius.errors import UserError
from vesalius.files import place_of

FORM = "nnssl's pretrain_data.json"
_RAW, _PREPROCESSED = "$nnssl_raw", "$nnssl_preprocessed"
_MASKS = ("anatomy_mask", "anonymization_mask")


def fits(content: Any) -> bool:
    """Whether ``content`` is a collection of data sets with subjects."""
    return (
        isinstance(content, Mapping)
        and "datasets" in content
        and ("collection_name" in content or "collection_index" in content)
    )


def read(content: Mapping[str, Any], file: Path, root: Path | None) -> Listed:
    """The images of every session. Raises UserError for an image without a path and for files that nnssl has preprocessed."""
    entries: list[Entry] = []
    rooted = False
    for name, dataset in _pairs(content["datasets"]):
        for who, subject in _pairs(dataset.get("subjects")):
            for when, session in _pairs(subject.get("sessions")):
                person = f"{name}/{subject.get('subject_id', who)}"
                day = f"{person}/{session.get('session_id', when)}"
                for number, image in enumerate(session.get("images") or ()):
                    path = _given(image, file, day, number)
                    rooted |= path.startswith(_RAW)
                    entries.append(_entry(image, _inside(path), day, person))
    raw = os.environ.get("nnssl_raw")  # noqa: SIM112 - nnssl's own spelling
    base = root or (place_of(raw) if raw else file.absolute().parent.parent)
    return Listed(FORM, entries, root=base if rooted else root)


def _given(image: Any, file: Path, day: str, number: int) -> str:
    """The path as it stands there."""
    if not isinstance(image, Mapping):
        raise UserError(
            f"Image {number} of session {day!r} in {file.name} is {image!r}. An image says name, modality and image_path."
        )
    given = path_of(image.get("image_path"), file, day, number)
    if given.startswith(_PREPROCESSED) or given.endswith(".b2nd"):
        raise UserError(
            f"{file.name} names files that nnssl has preprocessed ({given.rpartition('/')[2]}). Give the list of the raw files,"
            " pretrain_data.json in the folder of nnssl_raw: volumes are preprocessed here by the plan of the run."
        )
    return given


def _entry(image: Mapping[str, Any], path: str, day: str, person: str) -> Entry:
    masks = image.get("associated_masks") or {}
    meta: dict[str, Any] = {name: _inside(str(masks[name])) for name in _MASKS if masks.get(name)}
    if image.get("modality"):
        meta["modality"] = str(image["modality"])
    return Entry(path, subject=person, study=day, meta=meta)


def _inside(path: str) -> str:
    return path.removeprefix(_RAW).lstrip("/") if path.startswith(_RAW) else path


def _pairs(given: Any) -> Iterable[tuple[str, Mapping[str, Any]]]:
    return (
        [(str(name), of) for name, of in given.items() if isinstance(of, Mapping)] if isinstance(given, Mapping) else []
    )
