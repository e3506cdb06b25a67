"""What a user knows of each image, as Lightly's datasource holds it: ``.lightly/metadata/<image without suffix>.json``.

``schema.json`` is a list of ``{name, path, defaultValue, valueDataType}``; the file of an image ``{file_name, type, metadata: {...}}``, in
which ``path`` leads to a value, a dot for each level.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vesalius.data.lightly_files import Broken, folder, listed, read_each
from vesalius.errors import UserError

_NUMERIC, _CATEGORICAL = "NUMERIC_", "CATEGORICAL_"


@dataclass(frozen=True)
class Entry:
    """One entry of the schema. ``numeric``: its values are numbers; else words, whole numbers or booleans that name a class."""

    name: str
    path: str
    default: Any
    numeric: bool


def schema(root: str | os.PathLike[str]) -> list[Entry]:
    """The entries of ``root/.lightly/metadata/schema.json``; none where there is no such file. Raises UserError where it is not usable."""
    place = folder(root, "metadata", "schema.json")
    found = listed(place)
    if found is None:
        return []
    if not isinstance(found, list) or not all(isinstance(one, Mapping) and isinstance(one.get("path"), str) and one["path"] for one in found):
        raise UserError(f"{place} must be a list of {{name, path, defaultValue, valueDataType}}. Correct that file.")
    entries = []
    for one in found:
        kind = str(one.get("valueDataType", ""))
        if not kind.startswith((_NUMERIC, _CATEGORICAL)):
            raise UserError(
                f"{place}: valueDataType of {one['path']} is {kind!r}. It is NUMERIC_INT, NUMERIC_FLOAT, CATEGORICAL_INT, CATEGORICAL_STRING or"
                " CATEGORICAL_BOOLEAN. Correct that file."
            )
        entries.append(Entry(str(one.get("name", one["path"])), one["path"], one.get("defaultValue"), kind.startswith(_NUMERIC)))
    return entries


def values(root: str | os.PathLike[str], entry: Entry, names: Sequence[str] | NDArray[np.str_]) -> list[Any]:
    """The value of ``entry`` for each image of ``names``: a float or a class's name; its default where a file does not say; None without either.

    Raises UserError where a file is broken or holds a value of another kind.
    """
    try:
        default = None if entry.default is None else _typed(entry.default, entry)
    except Broken as error:
        raise UserError(f"{folder(root, 'metadata', 'schema.json')}: the default of {entry.path} cannot be used: {error}. Correct that file.") from None
    found = read_each(folder(root, "metadata"), [str(name) for name in names], partial(_value, entry=entry), "metadata")
    return [default if one is None or one[0] is None else one[0] for one in found]


def _value(row: int, content: Mapping[str, Any], *, entry: Entry) -> tuple[Any]:
    value: Any = content.get("metadata")
    if not isinstance(value, Mapping):
        raise Broken("metadata is not a mapping")
    for key in entry.path.split("."):
        value = value.get(key) if isinstance(value, Mapping) else None
    return (None if value is None else _typed(value, entry),)


def _typed(value: Any, entry: Entry) -> Any:
    if entry.numeric:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
            raise Broken(f"{entry.path} is {value!r}, which is no number")
        return float(value)
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, (str, int, float)):
        raise Broken(f"{entry.path} is no word or number")
    return str(value)
