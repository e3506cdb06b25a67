"""A folder tree of volumes: NIfTI, NRRD and MetaImage files, DICOM series, or both.

Label volumes are found by their folder (``imagesTr`` and ``labelsTr``, ``img`` and ``label``, ``images`` and ``masks``) or their name
(``case_label.nii.gz``, ``case_seg.nii.gz``) and make the task ``segmentation``; ``labels`` names their values from 0 on, else the
volumes say how many there are. ``labels=False`` takes every image without labels. A DICOM series is a row, by its
SeriesInstanceUID wherever its files lie.

Whose a volume is: the PatientID of DICOM; ``sub-NAME`` of BIDS; the case, where several volumes share one (channels or
contrasts with one label volume); or what the user's ``subject`` finds in the path. First-level folders called train, val and
test are the split. Labels in words come from a CSV (``labels_file``) by file or by DICOM's identifiers. Licence: the user's own
data.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from vesalius.data.label_files import Joined, join
from vesalius.data.listing import VOLUMES, Progress, list_images
from vesalius.data.outcomes import Unreadable
from vesalius.data.readers.volume import read_labels
from vesalius.data.schema import SPLIT_WORDS
from vesalius.data.subjects import hashed, subjects_of
from vesalius.data.table import SampleTable
from vesalius.data.task import Kind, TaskSpec
from vesalius.data.volumes.pairing import Pairs, case_of, paired
from vesalius.data.volumes.series import Series, series_of
from vesalius.errors import UserError

TASKS: dict[str, TaskSpec] = {}
IDENTIFIERS = ("PatientID", "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
_BIDS = re.compile(r"(?:^|/|_)sub-([A-Za-z0-9]+)")
_DICOM = frozenset(("", "dcm", "dicom", "ima", "img"))
_NAMED = 5
_LOOKED_INTO = 32
"""Label volumes that are read to see how many values there are, where nobody says it."""


def index(
    root: Path | None,
    *,
    labels: Sequence[str] | bool | None = None,
    kind: Kind | None = None,
    subject: str | None = None,
    labels_file: str | Path | None = None,
    progress: Progress | None = None,
) -> SampleTable:
    """The table of the volumes under ``root``.

    ``labels``: names of the values 0, 1, ... of label volumes (or columns of ``labels_file``); False: none. ``subject``: a regular
    expression with one group on the path. Raises UserError where there is no folder or no volume.
    """
    if root is None or not root.is_dir():
        raise UserError(f"There is no folder {root}. Give the folder that holds the volumes, as volumes@FOLDER.")
    listing = list_images(root, every=True)
    volumes = [uri for uri in listing.uris if uri.lower().endswith(VOLUMES)]
    others = [uri for uri in listing.uris if not uri.lower().endswith(VOLUMES)]
    may_be_dicom = [uri for uri in others if _ending(uri) in _DICOM]
    series, passed = series_of(root, may_be_dicom, progress)
    pairs = paired(volumes)
    if not pairs.images and not series:
        raise UserError(
            f"The folder {root} holds no volumes ({passed or f'{len(others):,} files of other kinds'}). Volumes end in {', '.join(VOLUMES)},"
            " or are DICOM series of at least two slices; check the path."
        )
    warnings = [f"{listing.closed} sub-folders may not be read and were left out."] if listing.closed else []
    if passed:
        warnings.append(f"In the folder, {passed} were passed over.")
    if pairs.alone:
        warnings.append(f"{len(pairs.alone):,} label volumes have no image; they are left out.")
    if labels is not False and labels_file is None:
        pairs, series, left = _labelled(pairs, series)
        if left:
            warnings.append(
                f"{left:,} volumes have no label volume; they are left out. Without labels (labels false) they are taken too."
            )
    uris = [*pairs.images, *(one.uri for one in series)]
    masks = [*pairs.masks, *(None for _ in series)]
    texts: dict[str, list[str | None]] = {
        name: [*(None for _ in pairs.images), *(one.words.get(name) or None for one in series)] for name in IDENTIFIERS
    }
    columns: dict[str, Any] = {
        "subject": subjects_of(uris, subject) if subject is not None else _whose(uris, pairs, texts["PatientID"])
    }
    if series:
        columns |= {
            name: hashed(texts[word]) for name, word in (("study", "StudyInstanceUID"), ("series", "SeriesInstanceUID"))
        }
        columns |= _said(series, len(pairs.images))
    splits = _splits(uris)
    if splits is not None:
        columns["split"] = splits
    joined, task = Joined(), None
    if labels_file is not None:
        joined = join(
            Path(labels_file).expanduser(), {**texts, "file": [uri.partition("#")[0] for uri in uris]}, labels, kind
        )
        task, columns = joined.task, columns | joined.columns
    elif labels is not False and any(masks):
        columns["mask"] = masks
        task = _task(root, [mask for mask in masks if mask is not None], labels, warnings)
    asides = (
        [f"Label volumes without an image: {', '.join(pairs.alone[:_NAMED])}{' ...' * (len(pairs.alone) > _NAMED)}"]
        if pairs.alone
        else []
    )
    return SampleTable.of(
        "volumes", root, uris, columns, private=True, warnings=[*warnings, *joined.warnings], asides=(*asides, *joined.asides),
        class_names=joined.class_names, task=task, licence="the user's own data", split_by="source" if "split" in columns else "", dims=3,
    )  # fmt: skip


def originals(path: Path) -> dict[str, str]:
    """The identifiers of one DICOM series as they stand in its files: what ``vesalius data locate`` gives back."""
    from vesalius.data.readers.volume_series import files_of, header_at

    folder, mark, series = path.name.partition("#")
    try:
        first = files_of(path.with_name(folder) if folder else path.parent, series)[0] if mark else path
    except Unreadable:
        return {}
    header = header_at(first)
    return {} if header is None else {name: header.words[name] for name in IDENTIFIERS[:3] if header.words.get(name)}


def _ending(uri: str) -> str:
    """A file's suffix in small letters; none where it is a number, as in DICOM's own names (1.2.840.10008.1)."""
    name, dot, ending = uri.rpartition("/")[2].rpartition(".")
    return "" if not dot or ending.isdigit() or (name and len(ending) > 8) else ending.lower()


def _labelled(pairs: Pairs, series: list[Series]) -> tuple[Pairs, list[Series], int]:
    """Those with a label volume, where any has one; how many are left out."""
    kept = [(image, mask) for image, mask in zip(pairs.images, pairs.masks, strict=True) if mask is not None]
    if not kept:
        return pairs, series, 0
    left = len(pairs.images) - len(kept) + len(series)
    return Pairs([image for image, _ in kept], [mask for _, mask in kept], pairs.alone), [], left


def _whose(uris: list[str], pairs: Pairs, patients: list[str | None]) -> list[str | None]:
    """By PatientID, BIDS or the case, where several volumes share one; None for whom nothing tells."""
    people: list[str | None] = []
    for uri, patient in zip(uris, patients, strict=True):
        match = None if patient is not None else _BIDS.search(uri)
        people.append(patient if patient is not None else match and f"sub-{match[1]}")
    cases = [
        mask or f"{uri.rpartition('/')[0]}/{case_of(uri)}" for uri, mask in zip(pairs.images, pairs.masks, strict=True)
    ]
    if not any(people[: len(cases)]) and any(count > 1 for count in Counter(cases).values()):
        people[: len(cases)] = cases
    return hashed(people)


def _said(series: list[Series], before: int) -> dict[str, Any]:
    """The columns that headers give; nothing is known of the files ``before``."""
    nothing = [None] * before
    return {
        "width": [*nothing, *(one.columns for one in series)],
        "height": [*nothing, *(one.rows for one in series)],
        "depth": [*nothing, *(one.slices for one in series)],
        "meta.modality": [*nothing, *(one.modality for one in series)],
    }


def _splits(uris: list[str]) -> list[str] | None:
    """The split by first-level folders, where they bear nothing but its names, and at least two of them."""
    words = [SPLIT_WORDS.get(uri.partition("/")[0].lower()) if "/" in uri else None for uri in uris]
    return [str(word) for word in words] if None not in words and len(set(words)) > 1 else None


def _task(root: Path, masks: list[str], labels: Sequence[str] | bool | None, warnings: list[str]) -> TaskSpec:
    """The segmentation of the values of ``masks``, named by ``labels``, or counted in some of the volumes."""
    if labels is not None and not isinstance(labels, bool):
        if len(labels) < 2:
            known = labels[0] if labels else "liver"
            raise UserError(
                f"data.labels names {len(labels)} value of the label volumes. Name all from 0 on, as in [background, {known}]."
            )
        return TaskSpec("segmentation", "segmentation", (), tuple(labels))
    some = sorted({masks[int(row)] for row in np.linspace(0, len(masks) - 1, min(_LOOKED_INTO, len(masks)))})
    with ThreadPoolExecutor(4) as pool:
        greatest = [most for most in pool.map(lambda mask: _greatest(root / mask), some) if most is not None]
    most = max(greatest, default=0)
    if most < 1:
        raise UserError(
            f"The label volumes under {root} hold no label but 0, or could not be read. `vesalius data check` says which; or take the"
            " images without labels (labels false)."
        )
    warnings.append(
        f"What the values 0 to {most} of the label volumes mean is not said: they are named by their numbers. data.labels names them."
    )
    return TaskSpec(
        "segmentation", "segmentation", (), ("background", *(f"label {value}" for value in range(1, most + 1)))
    )


def _greatest(mask: Path) -> int | None:
    try:
        return int(read_labels(mask).values.max())
    except Unreadable:
        return None
