"""Whose an image is: from a rule on its path or a column of a table, as keyed hashes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from vesalius.data import identity
from vesalius.errors import UserError

UNKNOWN = "subjects unknown: one patient's images may be on both sides."
"""What a data set says of itself whose people cannot be told apart, though there are several images of one person."""


def hashed(originals: Iterable[str | None]) -> list[str | None]:
    """The keyed hash of each name; the same name, the same hash. None stays None."""
    key = identity.user_key()
    names: dict[str, str] = {}
    out: list[str | None] = []
    for original in originals:
        if original is not None and original not in names:
            names[original] = identity.subject_name(original, key)
        out.append(None if original is None else names[original])
    return out


def public(collection: str, originals: Iterable[object]) -> list[str]:
    """The names of people of a public ``collection``, equal on every machine; of two collections never the same.

    What is known by another collection's numbers (RSNA's images are NIH's) names that collection: NIH's patients are
    ``public("nih-chestxray14", ["1", "13"])``, by their number without leading zeros.
    """
    names: dict[str, str] = {}
    out = []
    for original in map(str, originals):
        if original not in names:
            names[original] = identity.subject_name(f"{collection}/{original}", identity.PUBLIC)
        out.append(names[original])
    return out


def subjects_of(paths: Sequence[str], pattern: str) -> list[str | None]:
    """Whose each path is, by the one group of ``pattern``, as keyed hashes. None where it does not match.

    Raises UserError for a pattern that is none, has not one group, or matches no path.
    """
    try:
        rule = re.compile(pattern)
    except re.error as error:
        raise UserError(
            f"The subject rule {pattern!r} is not a regular expression: {error}. Give one with one group, as in"
            " '(patient[0-9]+)'."
        ) from None
    if rule.groups != 1:
        raise UserError(f"The subject rule {pattern!r} has {rule.groups} groups. Give it one, as in '(patient[0-9]+)'.")
    found = [match.group(1) if (match := rule.search(path)) else None for path in paths]
    if all(name is None for name in found):
        raise UserError(
            f"The subject rule {pattern!r} matches none of the {len(found)} paths. The first path is {paths[0]!r}:"
            " correct the rule."
        )
    return hashed(found)
