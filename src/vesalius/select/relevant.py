"""Which images are meant: a text file with a path, or ``prefix*`` and what to leave out of it, on each line (the original's rules).

``sub/* sub/image_4* !sub/image_41.png``: everything that begins with ``sub/``, but what patterns of gitignore forbid, of which those with ``!``
allow again.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vesalius.errors import UserError
from vesalius.terminal import Terminal

_NAMED = 5
_LAST = chr(0x10FFFF)


def relevant(names: NDArray[np.str_], file: str | Path, terminal: Terminal, root: str = "") -> NDArray[np.bool_]:
    """``(N,)`` which of ``names``, relative to ``root``, ``file`` means; it lies here or below ``root``. Lines that mean nothing are named in the terminal.

    Raises UserError where the file cannot be read, a line is no path and no prefix, or nothing is meant.
    """
    place = _found(file, root)
    try:
        lines = place.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        why = "it is not UTF-8 text" if isinstance(error, UnicodeDecodeError) else error.strerror or type(error).__name__
        raise UserError(f"The list of relevant files {file} could not be read: {why}. Give a text file with a path or prefix* on each line.") from None
    order = np.arange(len(names)) if (names[:-1] <= names[1:]).all() else np.argsort(names, kind="stable")
    ordered = names[order]
    whole = ordered.tolist()
    files = [name.partition("#")[0] if "#" in name else name for name in whole]  # of a frame or a box
    written = list(dict.fromkeys(line.strip().removeprefix("./") for line in lines if line.strip()))
    paths, known = set(written), {*whole, *files}
    meant = np.fromiter((name in paths or file in paths for name, file in zip(whole, files, strict=True)), bool, len(whole))
    nowhere = []
    for line in written:
        there = line in known
        if not there and ("*" in line or line.endswith("/")):
            here = _of_prefix(line, ordered, file)
            meant[here] = True
            there = len(here) > 0
        if not there:
            nowhere.append(line)
    if nowhere:
        shown = ", ".join(nowhere[:_NAMED]) + (f" and {len(nowhere) - _NAMED:,} more" if len(nowhere) > _NAMED else "")
        terminal.say(f"{len(nowhere):,} of {len(written):,} lines of {place.name} mean no image of these data: {shown}")
    if not meant.any():
        raise UserError(
            f"None of the {len(written):,} lines of {place.name} means one of the {len(names):,} images. Paths are relative to the data's root, as"
            f" {_example(names)}."
        )
    out = np.zeros(len(names), bool)
    out[order] = meant
    return out


def _of_prefix(line: str, ordered: NDArray[np.str_], file: str | Path) -> NDArray[np.int64]:
    """Positions of the names that begin with what stands before ``*``, less those that patterns behind it leave out."""
    from pathspec import GitIgnoreSpec

    prefix, _, rest = line.partition("*") if "*" in line else (line, "", "")
    if rest and not rest[0].isspace():
        raise UserError(
            f"{file}: the line {line!r} is neither a path nor a prefix with * at its end. Patterns stand behind a prefix and say what to leave"
            f" out: {prefix}* PATTERN !PATTERN."
        )
    start, end = np.searchsorted(ordered, [prefix, prefix + _LAST])
    here = np.arange(start, end)
    if not rest.strip():
        return here
    try:
        left_out = GitIgnoreSpec.from_lines(rest.split())
    except ValueError as error:
        raise UserError(f"{file}: a pattern in the line {line!r} is none of gitignore's. Correct it.") from error
    return np.asarray([i for i in here.tolist() if not left_out.match_file(str(ordered[i]))], np.int64)


def _found(file: str | Path, root: str) -> Path:
    place = Path(file).expanduser()
    below = Path(root) / place
    return below if root and not place.exists() and below.exists() else place


def _example(names: NDArray[np.str_]) -> str:
    return str(names[0]) if len(names) else "sub/image.png"
