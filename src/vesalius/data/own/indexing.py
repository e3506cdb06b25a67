"""The table of a user's data set: what it is made of, whose its images are, and what is known of them."""

from __future__ import annotations

import inspect
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from vesalius.data.listing import Progress
from vesalius.data.own.container import OwnContainer
from vesalius.data.own.labels import ALIKE, encoded, labels_of
from vesalius.data.own.opening import WHOLE, Opened, as_opened, keep, load, made_with, mark_of
from vesalius.data.subjects import hashed, subjects_of
from vesalius.data.table import SampleTable
from vesalius.errors import UserError
from vesalius.files import is_remote

BY_NUMBER = "The data set does not tell its files, so an image's id goes by its number: images put in before others change the others' ids."


def table_of(
    code: str,
    root: str | Path | None,
    *,
    labels: Any = None,
    subject: str | None = None,
    progress: Progress | None = None,
) -> SampleTable:
    """The table of what stands behind ``code`` (``FILE.py:NAME``, or a registered name), made with ``root``.

    That is a SampleTable, what gives one (a function, or a class with ``index(root)``), or a data set of items, or what
    gives one. Ids go by file where the data set tells them (``samples``, ``files``, ...), else by number. ``subject``: a
    regular expression with one group on the files. Raises UserError in one paragraph where it cannot be used.
    """
    made, place = load(code), "" if root is None else str(root)
    if inspect.isclass(made) and callable(getattr(made, "index", None)):
        made_of: Any = made()
        parts = {WHOLE: made_of.index(root)}
    else:
        parts = {WHOLE: made} if isinstance(made, SampleTable) else made_with(made, place, code)
    if isinstance(table := next(iter(parts.values())), SampleTable):
        return replace(table)
    if labels not in (None, False):
        raise UserError(f"{code} is a data set of items, which knows its own labels. Leave --data.labels out.")
    if is_remote(place):
        raise UserError(
            f"{code} is a data set of items, which opens its files itself, so that nothing tells whether those at an address have changed. "
            "Give it a local root; or let it return a SampleTable whose root is the address: its files are then fetched, retried and kept."
        )
    data = as_opened(parts, place, code)
    mark = mark_of(code, place)
    keep(code, place, mark, data)
    return _table(code, place, mark, data, subject, progress)


def _table(
    code: str, place: str, mark: str, data: Opened, subject: str | None, progress: Progress | None
) -> SampleTable:
    names = data.files
    if names is not None:
        uris = [uri for part in data.parts for uri in names[part]]
        frames = None
    else:
        uris = [part for part, items in data.parts.items() for _ in range(len(items))]
        frames = np.concatenate([np.arange(len(items)) for items in data.parts.values()])
    warnings = [] if names is not None else [BY_NUMBER]
    columns: dict[str, Any] = {}
    if set(data.parts) != {WHOLE}:
        columns["split"] = np.repeat(list(data.parts), [len(items) for items in data.parts.values()])
    if (whose := _subjects(data, uris, subject)) is not None:
        columns["subject"] = whose
    class_names: dict[str, list[str]] = {}
    task = None
    labels = labels_of(data, mark, progress)
    if labels is not None:
        first = next(iter(data.parts.values()))
        classes = [str(name) for name in getattr(first, "classes", None) or ()]
        found = encoded(labels, classes, data.name)
        if found is None:
            warnings.append(ALIKE)
        else:
            values, class_names, task = found
            columns |= {f"label.{name}": column for name, column in values.items()}
    return SampleTable.of(
        data.name, place, uris, columns, frames=frames, private=True, warnings=warnings, class_names=class_names, task=task,
        container=OwnContainer(code, place, mark), split_by="source" if "split" in columns else "", licence="the user's own data",
    )  # fmt: skip


def _subjects(data: Opened, uris: list[str], rule: str | None) -> list[str | None] | None:
    if rule is not None:
        if data.files is None:
            raise UserError(
                f"{data.name} does not tell its files, on which data.subject could look. Give it an attribute `subjects`, one for each item."
            )
        return subjects_of(uris, rule)
    whose: list[str | None] = []
    for items in data.parts.values():
        told: Any = getattr(items, "subjects", None)
        if told is None or callable(told) or len(told) != len(items):
            return None
        whose += [None if name is None else str(name) for name in told]
    return hashed(whose)
