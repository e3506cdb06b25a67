"""Whose radiograph is whose, for sets that were made of NIH ChestX-ray14: from a mapping to NIH's file names.

NIH's file ``00000013_005.png`` shows patient 13. RSNA published ``pneumonia-challenge-dataset-mappings_2018.json``: a list
of 30,000 entries, each with ``subset_img_id`` (RSNA's patientId), ``img_id`` (NIH's file name) and the DICOM identifiers.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

from vesalius.data.subjects import UNKNOWN, public
from vesalius.errors import UserError

COLLECTION = "nih-chestxray14"
MAPPING = "pneumonia-challenge-dataset-mappings_2018.json"
URL = f"https://s3.amazonaws.com/east1.public.rsna.org/AI/2018/{MAPPING}"
_NAME = re.compile(r"(\d{8})_\d{3}(\.png)?")


def people(mapping: Path, names: Sequence[str]) -> tuple[list[str | None], list[str]]:
    """Whose each image of ``names`` is (as ``subjects.public`` of NIH), None where ``mapping`` does not say; and warnings.

    Raises UserError where the file is neither RSNA's JSON nor a CSV with a column of NIH's file names, or says nothing
    about ``names``.
    """
    originals = _entries(mapping)
    numbers = {own: int(match[1]) for own, file in originals if (match := _NAME.fullmatch(file))}
    known = [numbers.get(name) for name in names]
    if not any(number is not None for number in known):
        raise UserError(
            f"The mapping {mapping.name} names NIH's file for none of the {len(names):,} images, whose first is {names[0]}. Give the"
            f" file that RSNA published ({URL}), or a CSV with a column of these names and one of NIH's (00000013_005.png)."
        )
    found = iter(public(COLLECTION, [number for number in known if number is not None]))
    subjects = [None if number is None else next(found) for number in known]
    lacking = sum(number is None for number in known)
    said = f"{UNKNOWN} The mapping does not name NIH's file for {lacking:,} of {len(names):,} images." if lacking else ""
    return subjects, [said] if said else []


def _entries(mapping: Path) -> list[tuple[str, str]]:
    """Pairs of a data set's own name and NIH's file name."""
    try:
        text = mapping.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UserError(f"There is no mapping {mapping}. Give the file that RSNA published ({URL}), or a CSV of two columns.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"The mapping {mapping.name} cannot be read ({error}). Get it again at {URL}.") from None
    return _of_json(text, mapping) if text.lstrip()[:1] in ("[", "{") else _of_csv(text, mapping)


def _of_json(text: str, mapping: Path) -> list[tuple[str, str]]:
    try:
        entries = json.loads(text)
        return [(str(entry["subset_img_id"]), str(entry["img_id"])) for entry in entries]
    except (ValueError, KeyError, TypeError):
        raise UserError(
            f"The mapping {mapping.name} is JSON, but no list of entries with subset_img_id (RSNA's name) and img_id (NIH's file"
            f" name), as the one that RSNA published. Get it again at {URL}."
        ) from None


def _of_csv(text: str, mapping: Path) -> list[tuple[str, str]]:
    """The column of NIH's file names is known by its content, the other is ``patientId``, ``subset_img_id`` or the first one."""
    import csv

    rows = [[cell.strip() for cell in row] for row in csv.reader(text.splitlines()) if row]
    width = max(map(len, rows), default=0)
    hits = [sum(len(row) > place and bool(_NAME.fullmatch(row[place])) for row in rows) for place in range(width)]
    if width < 2 or max(hits) < len(rows) / 2:
        raise UserError(
            f"The mapping {mapping.name} has no two columns, one of them NIH's file names as 00000013_005.png. Give such a CSV, or the"
            f" file that RSNA published ({URL})."
        )
    nih = hits.index(max(hits))
    named = [place for place, name in enumerate(rows[0]) if name in ("patientId", "subset_img_id", "subject") and place != nih]
    own = named[0] if named else int(nih == 0)
    return [(row[own], row[nih]) for row in rows if len(row) > max(own, nih)]
