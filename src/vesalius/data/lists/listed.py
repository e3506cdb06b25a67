"""What every form of list says: which volumes, with which labels, whose, in which part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vesalius.data.schema import SPLIT_WORDS
from vesalius.errors import UserError


@dataclass(frozen=True)
class Entry:
    """One volume: its file and label volume as paths below the list's root, or a label in words or as a number."""

    image: str
    mask: str | None = None
    label: str | int | float | None = None
    split: str | None = None
    subject: str | None = None
    study: str | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Listed:
    """``entries`` of a list of the form ``form``; ``classes``: names of the values of label volumes, where it says them.

    ``root``: where its paths begin, where the form has a rule for that; ``warnings``: without names of files or people.
    """

    form: str
    entries: Sequence[Entry]
    classes: tuple[str, ...] = ()
    root: Path | None = None
    warnings: Sequence[str] = ()


def split_of(word: str) -> str | None:
    """train, val or test for what lists call them (training, validationData ...); None where it is none of them."""
    return SPLIT_WORDS.get(word.lower())


def path_of(given: Any, file: Path, part: str, number: int) -> str:
    """A path as it stands in the list. Raises UserError where it is no text."""
    if not isinstance(given, str) or not given.strip():
        raise UserError(f"Entry {number} of {part!r} in {file.name} names no file: it holds {given!r}. Give it a path.")
    return given.replace("\\", "/").removeprefix("./")


def classes_of(given: Any, file: Path) -> tuple[str, ...]:
    """The names of label values 0, 1, ... from ``{"0": "background", ...}`` or ``{"background": 0, ...}``.

    Raises UserError where a value is missing, is a region of several values, or is to be ignored.
    """
    if isinstance(given, Sequence) and not isinstance(given, str):
        given = {str(number): name for number, name in enumerate(given)}
    if not isinstance(given, Mapping):
        raise UserError(
            f"'labels' in {file.name} is {given!r}. It names the values of label volumes, as in {{'0': 'background', '1': 'liver'}}."
        )
    pairs = {}
    for key, value in given.items():
        name, number = (value, key) if str(key).lstrip("-").isdigit() else (key, value)
        if isinstance(number, Sequence) and not isinstance(number, str):
            raise UserError(
                f"The label {name!r} in {file.name} is a region of the values {list(number)}. A voxel has one label here: name each value"
                " by itself, as in {'background': 0, 'whole': 1, 'core': 2}."
            )
        if not str(number).isdigit():
            raise UserError(
                f"The label {name!r} in {file.name} has the value {number!r}. Label values are whole numbers from 0."
            )
        pairs[int(number)] = str(name)
    if "ignore" in {name.lower() for name in pairs.values()}:
        raise UserError(
            f"{file.name} has a label to be ignored, which is not known here. Give those voxels a label of their own, or 0."
        )
    if sorted(pairs) != list(range(len(pairs))) or len(pairs) < 2:
        raise UserError(
            f"'labels' in {file.name} names the values {', '.join(map(str, sorted(pairs)))}. Name all of them from 0, the background, on."
        )
    return tuple(pairs[number] for number in range(len(pairs)))
