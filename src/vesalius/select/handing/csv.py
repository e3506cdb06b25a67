"""``csv``: a row for each image that was selected, for spreadsheets."""

from __future__ import annotations

from pathlib import Path

from vesalius.features.writing import whole
from vesalius.select import picked
from vesalius.select.handed import Handed
from vesalius.select.selected import Selected

NEEDS: tuple[str, ...] = ()


def write(selected: Selected, out: Path) -> Handed:
    """Order, name, id, gain, nearest, distance, reasons, labels."""
    with whole(out) as temporary:
        picked.rows(selected).to_csv(temporary, index=False)
    return Handed((out,))
