"""``METADATA``: what is known of each image under a key: computed, from ``.lightly/metadata``, or from the columns of the data's own table."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from vesalius.data import lightly_metadata
from vesalius.data.computed import NAMES, computed
from vesalius.data.table import SampleTable
from vesalius.errors import UserError
from vesalius.recipes.checking import nearest
from vesalius.select.candidates import Candidates
from vesalius.select.values import Classes, Numbers

GIVES: tuple[type[Any], ...] = (Numbers, Classes)

COMPUTED = "lightly."
_COLUMNS = ("view", "laterality", "split", "frame", "width", "height", "depth")  # whose an image is would stand in the run's reasons
_PREFIXES = ("meta.", "label.", "score.")
_MOST_CLASSES = 256
_NAMED = 5


class Config(BaseModel):
    """Which key."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str = Field(min_length=1, description="lightly.NAME (computed), a path or name of .lightly/metadata/schema.json, or a column.")


def title(config: Config) -> str:
    """How reasons and reports call it."""
    return config.key


def read(config: Config, candidates: Candidates) -> Numbers | Classes:
    """Numbers, NaN where nothing is known, or classes. Raises UserError for a key that is nowhere, with the nearest, and what reading raises."""
    key = config.key
    if key.startswith(COMPUTED) and (name := _snake(key.removeprefix(COMPUTED))) in NAMES:
        return Numbers(_computed(name, candidates), key)
    entries = lightly_metadata.schema(candidates.root)
    for entry in entries:
        if key in (entry.path, entry.name):
            values = lightly_metadata.values(candidates.root, entry, candidates.names)
            return _numbers(values, key) if entry.numeric else _classes(values, key)
    column = _column(key, candidates)
    if column is None:
        raise _unknown(key, entries, candidates)
    return _of_column(column, key, candidates)


def refuse_early(config: Config, candidates: Candidates) -> None:
    """Raise UserError for a key that is nowhere, with the nearest; no value is read."""
    key = config.key
    if key.startswith(COMPUTED) and _snake(key.removeprefix(COMPUTED)) in NAMES:
        return
    entries = lightly_metadata.schema(candidates.root)
    if not any(key in (entry.path, entry.name) for entry in entries) and _column(key, candidates) is None:
        raise _unknown(key, entries, candidates)


def _unknown(key: str, entries: Sequence[lightly_metadata.Entry], candidates: Candidates) -> UserError:
    known = [COMPUTED + name for name in NAMES] + [entry.path for entry in entries] + _columns(candidates)
    ends = [name for name in known if name.rpartition(".")[2].lower() == key.lower()]  # age for patient.age
    hint = f" Did you mean {ends[0]}?" if ends else nearest(COMPUTED + _snake(key.removeprefix(COMPUTED)) if key.startswith(COMPUTED) else key, known)
    return UserError(f"There is no metadata {key!r}.{hint} docs/selection-inputs.md says where metadata come from.")


def _computed(name: str, candidates: Candidates) -> NDArray[np.float64]:
    table = candidates.table or SampleTable.of("folder", candidates.root, [str(uri) for uri in candidates.names])
    with candidates.terminal.bar(f"computing {name}") as progress:
        found = computed(table, (name,), progress=progress)
    if found.refused:
        uris = table.frame["uri"]
        shown = "; ".join(f"{uris.iloc[row]}: {why}" for row, why in list(found.refused.items())[:_NAMED])
        more = f"; and {len(found.refused) - _NAMED:,} more" if len(found.refused) > _NAMED else ""
        candidates.terminal.say(f"{len(found.refused):,} of {len(table):,} images could not be read, so their {name} is not known: {shown}{more}")
    if candidates.table is None or candidates.frame is None:
        return found.values[name]
    import pandas as pd

    places = pd.Index(table.ids).get_indexer(pd.Index(candidates.frame["id"]))  # members of a pool whose files are gone are in no table
    return np.where(places >= 0, found.values[name][places], np.nan)


def _columns(candidates: Candidates) -> list[str]:
    if candidates.frame is None:
        return []
    return [str(c) for c in candidates.frame if str(c).startswith(_PREFIXES) or (c in _COLUMNS and candidates.frame[c].notna().any())]


def _column(key: str, candidates: Candidates) -> str | None:
    columns = _columns(candidates)
    return next((name for name in (key, *(prefix + key for prefix in _PREFIXES)) if name in columns), None)


def _of_column(name: str, key: str, candidates: Candidates) -> Numbers | Classes:
    import pandas as pd

    assert candidates.frame is not None
    column = candidates.frame[name]
    names = None if candidates.table is None else candidates.table.class_names.get(name.removeprefix("label."))
    if name.startswith("label.") and names is not None:
        return _classes([None if np.isnan(v) else names[int(v)] for v in column.to_numpy(np.float64)], key, names)
    if pd.api.types.is_bool_dtype(column.dtype):
        return _classes([None if v is pd.NA or v is None else str(bool(v)).lower() for v in column], key)
    numbers = pd.to_numeric(column, errors="coerce")
    if (numbers.notna() | column.isna()).all():  # also text that is a number, as in file names
        return Numbers(numbers.to_numpy(np.float64, na_value=np.nan), key)
    return _classes([None if missing else str(value) for value, missing in zip(column, column.isna(), strict=True)], key)


def _numbers(values: Sequence[float | None], key: str) -> Numbers:
    return Numbers(np.asarray([np.nan if value is None else value for value in values], np.float64), key)


def _classes(values: Sequence[str | None], key: str, known: Sequence[str] | None = None) -> Classes:
    """A one for the class of each image; nothing where it is not known."""
    names = sorted({value for value in values if value is not None}) if known is None else list(known)
    if len(names) > _MOST_CLASSES:
        raise UserError(
            f"The metadata {key} has {len(names):,} different values, as {', '.join(names[:3])}. At most {_MOST_CLASSES} can be told apart as classes: name a"
            " coarser key."
        )
    place = {name: number for number, name in enumerate(names)}
    amounts = np.zeros((len(values), len(names)))
    for row, value in enumerate(values):
        if value is not None:
            amounts[row, place[value]] = 1
    return Classes(names, amounts, key)


def _snake(name: str) -> str:
    """``sizeInBytes`` as ``size_in_bytes``."""
    return re.sub(r"(?<=[a-z])([A-Z])", r"_\1", name).lower()
