"""Whose an image is, from another data set that holds the same image and knows: RSNA's radiographs are NIH's."""

from __future__ import annotations

import pandas as pd

from vesalius.data import store
from vesalius.data.listing import Progress
from vesalius.data.matching import hashes, nearest
from vesalius.data.settings import StoreSettings
from vesalius.data.subjects import UNKNOWN
from vesalius.data.table import SampleTable
from vesalius.errors import UserError

_SMALL = StoreSettings(size=96, channels=1)
"""Enough for a hash, and 5 to 15 kB an image."""


def with_subjects_of(table: SampleTable, other: SampleTable, progress: Progress | None = None) -> SampleTable:
    """``table`` with the subject of the image of ``other`` that is the same, None where there is none.

    Both are decoded to small images of their own store, once. Raises UserError when ``other`` knows no subject, ``table``
    knows its own, or no image is in both.
    """
    theirs = other.subjects
    if theirs is None:
        raise UserError(f"{other.source} does not know whose its images are, so it cannot say whose those of {table.source} are.")
    if table.subjects is not None:
        raise UserError(f"{table.source} knows its own subjects. Leave the mapping out.")
    mine, known = (store.build(t, _SMALL, progress) for t in (table, other))
    row, _ = nearest(hashes(mine, progress), hashes(known, progress))
    found = row >= 0
    if not found.any():
        raise UserError(
            f"None of the {len(mine):,} images of {table.source} is among the {len(known):,} of {other.source}: it cannot say whose they"
            " are. Give the data that they were made of, or a file of names."
        )
    whose = dict(zip(other.ids.tolist(), theirs, strict=True))
    person = {sample: whose[twin] for sample, twin in zip(mine.ids[found].tolist(), known.ids[row[found]].tolist(), strict=True)}
    subjects = [person.get(sample) for sample in table.ids.tolist()]
    out = table.with_columns(subject=pd.Series(subjects, dtype=object))
    lacking = sum(name is None for name in subjects)
    out.warnings = [text for text in table.warnings if not text.startswith(UNKNOWN)]
    if lacking:
        out.warnings.append(f"{UNKNOWN} {lacking:,} of {len(table):,} images are not among those of {other.source}.")
    return out
