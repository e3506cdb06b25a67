"""A JSON list of volumes: of MONAI or the Decathlon, nnU-Net's ``dataset.json``, nnssl's ``pretrain_data.json``, or an array of paths.

The form is told by the content (``data.lists``). Paths begin in the list's folder, or in ``root`` (``--data.root``); nnU-Net's channel
suffix ``_0000`` may be left out. Parts of the list are the split, used as they are: where a person is on both sides, that is
refused like everywhere, and allowed by ``allow_leakage``. Volumes whose label is a path have it as ``mask``; a number or a word is the
label ``class``. Where all files are those of ``tcia-covid19-ct`` or ``btcv``, by name, the table is one of that source: its ids,
its people and its plan, and the files are found below the root wherever they lie. Licence: the user's own data.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from vesalius import registry
from vesalius.data import identity
from vesalius.data.encoding import encode
from vesalius.data.listing import Progress, list_images
from vesalius.data.lists.listed import Entry, Listed
from vesalius.data.lists.reading import read_list
from vesalius.data.subjects import hashed, subjects_of
from vesalius.data.table import SampleTable
from vesalius.data.task import TaskSpec
from vesalius.errors import UserError
from vesalius.files import is_remote, is_web, place_of

TASKS: dict[str, TaskSpec] = {}
_OF_A_SOURCE = ("tcia-covid19-ct", "btcv")
"""Sources whose files a list may name: their modules say ``claims`` and ``of_list``."""
_NAMED = 3


def index(
    root: Path | None,
    *,
    labels: Sequence[str] | bool | None = None,
    subject: str | None = None,
    root_of_files: Path | None = None,
    progress: Progress | None = None,
) -> SampleTable:
    """The table of the list in the file ``root``; ``root_of_files``: where its paths begin, if not at its folder.

    ``labels``: False takes all volumes without their labels; otherwise those with labels, where any has one. ``subject``: a
    regular expression with one group on the path. Raises UserError for what is no list, a volume that is listed twice, and where none
    of the files is there.
    """
    assert root is not None
    listed = read_list(root, root_of_files)
    base = root_of_files or listed.root or root.parent
    warnings = list(listed.warnings)
    entries = list(listed.entries)
    owner = next((module for name in _OF_A_SOURCE if (module := registry.entry("sources", name)).claims(listed)), None)
    labelled = labels is not False and any(entry.mask is not None or entry.label is not None for entry in entries)
    if labelled:
        kept = [entry for entry in entries if entry.mask is not None or entry.label is not None]
        if len(kept) < len(entries):
            warnings.append(
                f"{len(entries) - len(kept)} of {len(entries)} volumes of the list have no label; they are left out."
            )
        entries = kept
    entries = [_below(entry, base) for entry in entries]
    entries, missing = _there(entries, base, anywhere=owner is not None)
    if missing:
        warnings.append(
            f"{len(missing)} of {len(missing) + len(entries)} volumes of the list are not there; they are left out."
        )
    if not entries:
        raise UserError(
            f"None of the {len(missing)} volumes of {root.name} is below {base}: {', '.join(missing[:_NAMED])}"
            f"{' ...' * (len(missing) > _NAMED)} are not there. Give the folder that its paths begin in as --data.root."
        )
    _refuse_repeated(entries, root)
    if owner is not None and subject is None:
        found: SampleTable = owner.of_list(
            base, Listed(listed.form, entries, listed.classes, warnings=warnings), labelled, tuple(missing)
        )
        return found
    return _table(listed, entries, base, labelled, subject, warnings, tuple(missing), root)


def _table(
    listed: Listed,
    entries: list[Entry],
    base: Path,
    labelled: bool,
    subject: str | None,
    warnings: list[str],
    missing: tuple[str, ...],
    file: Path,
) -> SampleTable:
    """The user's own table."""
    uris = [entry.image for entry in entries]
    columns: dict[str, object] = {}
    names: dict[str, list[str]] = {}
    task: TaskSpec | None = None
    if labelled and any(entry.mask is not None for entry in entries):
        if any(entry.mask is None for entry in entries):
            raise UserError(
                f"Some volumes of {file.name} have a label volume, others a label in words. Give each kind its own list."
            )
        if not listed.classes:
            raise UserError(
                f"{file.name} does not say what the values of its label volumes mean. Add 'labels' to it, as in"
                " {'labels': {'0': 'background', '1': 'liver'}}, or take the volumes without labels (--data.labels false)."
            )
        columns["mask"], task = (
            [entry.mask for entry in entries],
            TaskSpec("segmentation", "segmentation", (), listed.classes),
        )
    elif labelled:
        codes, names, task = encode(pd.DataFrame({"class": [entry.label for entry in entries]}), ["class"], None)
        columns |= {f"label.{name}": values for name, values in codes.items()}
    if any(entry.split for entry in entries):
        columns["split"] = [entry.split for entry in entries]
    if subject is not None:
        columns["subject"] = subjects_of(uris, subject)
    elif any(entry.subject is not None for entry in entries):
        columns["subject"] = hashed(entry.subject if entry.subject is not None else entry.image for entry in entries)
    if any(entry.study is not None for entry in entries):
        columns["study"] = hashed(entry.study for entry in entries)
    for key in sorted({key for entry in entries for key in entry.meta}):
        columns[f"meta.{key}"] = [entry.meta.get(key) for entry in entries]
    return SampleTable.of(
        "datalist", base, uris, columns, private=True, class_names=names, task=task, warnings=warnings, missing=missing, dims=3,
        split_by="source" if "split" in columns else "", licence="the user's own data",
    )  # fmt: skip


def _below(entry: Entry, base: Path) -> Entry:
    """``entry`` with paths relative to ``base`` where they lie in it."""
    paths = [None if path is None else identity.inside(place_of(path), base) for path in (entry.image, entry.mask)]
    return Entry(str(paths[0]), paths[1], entry.label, entry.split, entry.subject, entry.study, entry.meta)


def _there(entries: list[Entry], base: Path, *, anywhere: bool) -> tuple[list[Entry], list[str]]:
    """Those whose files are there, with the paths at which they are; and the others' by name.

    ``anywhere``: names are unique, so a file may lie in any folder below ``base``.
    """
    known: set[str] | None = None
    by_name: dict[str, str] = {}

    def listing() -> set[str]:
        return set(list_images(base, every=True).uris)

    if is_remote(base) and not is_web(base):  # a web server lists nothing
        known = listing()

    def place(path: str | None) -> str | None:
        nonlocal known
        if path is None:
            return None
        stem, dot, ending = path.partition(".nii") if ".nii" in path else path.rpartition(".")
        for uri in (path, f"{stem}_0000{dot}{ending}"):
            if (uri in known) if known is not None and "://" not in uri else (base / uri).exists():
                return uri
        if not anywhere:
            return None
        if known is None:
            known = listing()
        if not by_name:
            by_name.update({uri.rpartition("/")[2]: uri for uri in sorted(known, reverse=True)})
        return by_name.get(path.rpartition("/")[2])

    found, missing = [], []
    for entry in entries:
        image, mask = place(entry.image), place(entry.mask)
        if image is None or (mask is None) != (entry.mask is None):
            missing.append(entry.image if image is None else str(entry.mask))
        else:
            found.append(Entry(image, mask, entry.label, entry.split, entry.subject, entry.study, entry.meta))
    return found, missing


def _refuse_repeated(entries: list[Entry], file: Path) -> None:
    seen: dict[str, str | None] = {}
    for entry in entries:
        if entry.image in seen:
            one, two = (split or "the list" for split in (seen[entry.image], entry.split))
            where = f"in {one} and in {two}" if one != two else f"in {one} twice"
            raise UserError(f"{file.name} names {entry.image} {where}. Take it out of one of them.")
        seen[entry.image] = entry.split
