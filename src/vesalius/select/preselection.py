"""A list of names that count as selected already."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vesalius.errors import UserError
from vesalius.terminal import Terminal

_NAMED = 5


def refuse_strangers(file: str | None, names: NDArray[np.str_]) -> None:
    """Raise UserError where ``file`` holds names, and none of them is one of ``names`` (N,)."""
    given = _given(file)
    if len(given) and not np.isin(given, names).any():
        raise UserError(
            f"No name in {Path(str(file)).name} ({len(given):,}, as {given[0]}) is that of an image of these data. Names are relative to the data's "
            f"folder, as {names[0]}."
        )


def listed(file: str | None, names: NDArray[np.str_], terminal: Terminal) -> NDArray[np.int64]:
    """Rows of ``names`` (N,) that ``file`` holds, a name on each line; names that are no images are said. Raises UserError."""
    given = _given(file)
    unknown = given[~np.isin(given, names)]
    if len(unknown):
        named = ", ".join(unknown[:_NAMED]) + (" ..." if len(unknown) > _NAMED else "")
        verb = "is no image" if len(unknown) == 1 else "are no images"
        terminal.say(f"{len(unknown):,} of {len(given):,} names in {Path(str(file)).name} {verb} of these data: {named}")
    return np.flatnonzero(np.isin(names, given))


def _given(file: str | None) -> NDArray[np.str_]:
    """The names that ``file`` lists; none without a file."""
    if file is None:
        return np.empty(0, np.str_)
    place = Path(file).expanduser()
    try:
        lines = [line.strip() for line in place.read_text(encoding="utf-8-sig").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(
            f"The list of selected images {place} could not be read ({type(error).__name__}). Give a text file with a name on each line."
        ) from error
    return np.asarray([line for line in lines if line], dtype=np.str_)
