"""A list of names that count as selected already."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vesalius.errors import UserError
from vesalius.terminal import Terminal

_NAMED = 5


def listed(file: str | None, names: NDArray[np.str_], terminal: Terminal) -> NDArray[np.int64]:
    """Rows of ``names`` (N,) that ``file`` holds, a name on each line; names that are no images are said. Raises UserError."""
    if file is None:
        return np.empty(0, np.int64)
    place = Path(file).expanduser()
    try:
        lines = [line.strip() for line in place.read_text(encoding="utf-8-sig").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(
            f"The list of selected images {place} could not be read ({type(error).__name__}). Give a text file with a name on each line."
        ) from error
    given = np.asarray([line for line in lines if line], dtype=np.str_)
    unknown = given[~np.isin(given, names)]
    if len(unknown):
        named = ", ".join(unknown[:_NAMED]) + (" ..." if len(unknown) > _NAMED else "")
        terminal.say(f"{len(unknown):,} of {len(given):,} names in {place.name} are no images of these data: {named}")
    return np.flatnonzero(np.isin(names, given))
