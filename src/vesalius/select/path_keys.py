"""Metadata from file names: named groups of a regular expression, or ``{camera}/{date}-{n}.png``."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from vesalius.errors import UserError
from vesalius.terminal import Terminal

_FIELD = re.compile(r"\{([A-Za-z_]\w*)\}")


def path_keys(names: NDArray[np.str_], pattern: str, terminal: Terminal) -> dict[str, NDArray[np.object_]]:
    """``(N,)`` the text of each named group of ``pattern`` in each of ``names`` (relative paths), None where it does not match.

    A regular expression matches anywhere in the path; a template the whole of it, each field up to the next ``/``. Raises UserError where it is
    not valid, has no named group, or matches nothing.
    """
    template = _FIELD.search(pattern) is not None and "(?P<" not in pattern
    try:
        compiled = re.compile(_expression(pattern) if template else pattern)
    except re.error as error:
        raise UserError(f"The path's pattern {pattern!r} is no regular expression: {error}. Correct it.") from None
    keys = list(compiled.groupindex)
    if not keys:
        raise UserError(f"The path's pattern {pattern!r} names nothing. Name what you want to know: (?P<camera>[^/]+)/, or {{camera}}/{{number}}.png.")
    found: dict[str, NDArray[np.object_]] = {key: np.full(len(names), None, object) for key in keys}
    match = compiled.fullmatch if template else compiled.search
    missed = []
    for row, name in enumerate(names.tolist()):
        said = match(name)
        if said is None:
            missed.append(row)
            continue
        for key in keys:
            found[key][row] = said[key]
    if len(missed) == len(names) and missed:
        raise UserError(f"The path's pattern {pattern!r} matches none of the {len(names):,} names, as {names[0]}. Correct it.")
    if missed:
        shown = ", ".join(str(names[row]) for row in missed[:3])
        terminal.say(f"{len(missed):,} of {len(names):,} names do not match {pattern!r}, as {shown}; {', '.join(keys)} is not known of them.")
    return found


def _expression(template: str) -> str:
    """The regular expression of a template; a field that occurs again must be the same again."""
    out, seen, at = "", set[str](), 0
    for field in _FIELD.finditer(template):
        out += re.escape(template[at : field.start()])
        out += f"(?P={field[1]})" if field[1] in seen else f"(?P<{field[1]}>[^/]+?)"
        seen.add(field[1])
        at = field.end()
    return out + re.escape(template[at:])
