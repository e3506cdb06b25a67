"""CT Images in COVID-19 (TCIA): 771 chest CT volumes of 661 people (by their names) as NIfTI, without labels.

Reads the tree as it is downloaded (a folder per person or scan, whatever its depth) and flattened into one folder, by the
files' names ``volume-covid19-A-0001.nii.gz``, ``-A-0003_1``, ``-A-0700_day008``: what follows ``A-`` up to ``_`` is the
person. About a fifth of the people validate, drawn by person. (The list of MONAI's tutorial divides by file: 23 people
are on both of its sides. It is used where it is given, see ``datalist``.) Harmon et al., "Artificial intelligence for the
detection of COVID-19 pneumonia on chest CT using multinational datasets", Nature Communications 2020. Licence: CC BY 4.0.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from vesalius.data.listing import Progress, list_images
from vesalius.data.lists.listed import Listed
from vesalius.data.plan import Intensity, Plan
from vesalius.data.splits import split
from vesalius.data.subjects import public
from vesalius.data.table import SampleTable
from vesalius.data.task import TaskSpec
from vesalius.errors import UserError

SOURCE = "tcia-covid19-ct"
TASKS: dict[str, TaskSpec] = {}
LICENCE = "CC BY 4.0"
URL = "https://www.cancerimagingarchive.net/collection/ct-images-in-covid-19/"
NAME = re.compile(r"volume-covid19-(A-\d{4})(?:_\w+)?\.nii(?:\.gz)?")
"""A volume's file; its group is the person."""
COUNT = 771
_HELD_OUT = 171 / 771
"""The share that MONAI's tutorial validates on."""


def plan() -> Plan:
    """The tutorial's 2 mm and window of -57 to 164 HU, with one orientation, which the tutorial left as it came."""
    window = Intensity(rule="window", low=-57, high=164)
    return Plan(
        modality="ct", orientation="RAS", spacing=(2, 2, 2), intensity=window, foreground=-57, patch=(96, 96, 96)
    )


def index(root: Path | None, *, progress: Progress | None = None) -> SampleTable:
    """The table of the volumes under ``root``, divided by person. Raises UserError where none is there."""
    assert root is not None
    listing = list_images(root, progress, every=True)
    places: dict[str, str] = {}
    for uri in sorted(listing.uris, key=lambda uri: (uri.count("/"), uri)):
        name = uri.rpartition("/")[2]
        if NAME.fullmatch(name):
            places.setdefault(
                name.removesuffix(".gz"), uri
            )  # of a volume that lies there twice, the one nearer to the root
    if not places:
        raise UserError(
            f"The folder {root} holds no volume of CT Images in COVID-19 (volume-covid19-A-0001.nii.gz and so on). Get the NIfTI"
            f" files at {URL}, and give the folder they lie in, as downloaded or flattened, as {SOURCE}@FOLDER."
        )
    warnings = []
    if len(places) < COUNT:
        warnings.append(f"{len(places):,} of the collection's {COUNT} volumes are there.")
    table = table_of(root, list(places.values()), warnings)
    return split(table, _HELD_OUT, 0.0, by="subject")


def claims(listed: Listed) -> bool:
    """Whether a list names volumes of this collection alone."""
    return all(NAME.fullmatch(entry.image.rpartition("/")[2]) and entry.mask is None for entry in listed.entries)


def of_list(root: Path, listed: Listed, labelled: bool, missing: tuple[str, ...]) -> SampleTable:
    """The table of a list that ``claims`` took, divided as the list says, else by person."""
    table = table_of(root, [entry.image for entry in listed.entries], listed.warnings, missing)
    if not any(entry.split for entry in listed.entries):
        return split(table, _HELD_OUT, 0.0, by="subject")
    table = table.with_columns(split=[entry.split for entry in listed.entries])
    table.split_by = "source"
    return table


def table_of(
    root: Path, uris: Sequence[str], warnings: Sequence[str] = (), missing: tuple[str, ...] = ()
) -> SampleTable:
    """A row for each of ``uris``, with its person. A volume has one id wherever its file lies, packed or not."""
    names = [uri.rpartition("/")[2].removesuffix(".gz") for uri in uris]
    people = [NAME.fullmatch(name) for name in names]
    return SampleTable.of(
        SOURCE,
        root,
        list(uris),
        {"subject": public(SOURCE, [match[1] if match else name for match, name in zip(people, names, strict=True)])},
        names=names,
        licence=LICENCE,
        warnings=list(warnings),
        missing=missing,
        dims=3,
    )
