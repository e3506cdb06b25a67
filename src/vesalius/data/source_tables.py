"""The CSV tables that sources bring: read, wherever they lie, with the columns they must have, or refused by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from vesalius.errors import UserError

if TYPE_CHECKING:
    import pandas as pd


def read_table(
    csv: Path, needed: Sequence[str], *, what: str, remedy: str, dtype: Mapping[str, type] | None = None
) -> pd.DataFrame:
    """``csv`` (or ``.csv.zip``), its headings without blanks around them.

    ``what``: what a table without the columns ``needed`` is not; ``remedy``: the sentence that says what to do. Raises
    UserError for a file that is no CSV and for one that lacks a column.
    """
    import pandas as pd

    try:
        with csv.open("rb") as file:
            raw = pd.read_csv(file, compression="zip" if csv.name.endswith(".zip") else None, dtype=dict(dtype or {}))
    except (ValueError, OSError) as error:  # pandas' own errors are ValueErrors
        raise UserError(f"{csv.name} cannot be read as CSV: {error}. {remedy}") from None
    raw.columns = raw.columns.str.strip()
    if lacking := [name for name in needed if name not in raw]:
        raise UserError(
            f"{csv.name} has no column {', '.join(map(repr, lacking[:3]))}, so it is not {what}, which has"
            f" {', '.join(needed[:4])}{' and others' if len(needed) > 4 else ''}. {remedy}"
        )
    return raw
