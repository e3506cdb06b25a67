"""A table together with its pixels: what every verb asks for."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vesalius.data import readers, references, splits, store
from vesalius.data.filtering import Filter
from vesalius.data.outcomes import Unreadable
from vesalius.data.plan import Plan
from vesalius.data.record_store import RecordStore
from vesalius.data.settings import StoreSettings
from vesalius.data.table import SampleTable
from vesalius.data.task import Kind
from vesalius.data.uncertain import Policy, firm
from vesalius.data.upkeep import root_mark
from vesalius.data.volumes.codec import Codec
from vesalius.files import AT_ONCE, is_remote, refuse_secrets
from vesalius.files.patience import UNREACHED
from vesalius.terminal import Terminal

_LOOKED_AT = 24
_NAMED = 5
"""Missing files that the terminal names."""


@dataclass(frozen=True)
class DataSet:
    """``table`` and ``store``; the store may hold fewer records, since unreadable ones are left out and reported."""

    name: str
    table: SampleTable
    store: RecordStore

    @property
    def public(self) -> str:
        """What a run calls the data: its source; a user's own gets a keyed number, never its path."""
        if self.table.private:
            return f"{self.table.source} {root_mark(self.table.root, True)[:6]}"
        path = Path(self.name)
        return f"{self.table.source}:{path.stem}" if path.suffix == ".npz" else re.sub(r"@.*?(?=:[\w-]+$|$)", "", self.name)

    def rows(self, split: str | None = None) -> NDArray[np.int64]:
        """``(n,)`` record numbers in the store of the samples of ``split``, or of all, in the table's order."""
        ids = self.table.ids if split is None else self.table.ids[self.table.rows(split)]
        return self.store.rows(ids[np.isin(ids, self.store.ids)])

    def table_rows(self, records: NDArray[np.int64]) -> NDArray[np.int64]:
        """``(n,)`` where ``records`` (n,) of the store stand in the table."""
        order = np.argsort(self.table.ids)
        return order[np.searchsorted(self.table.ids, self.store.ids[records], sorter=order)]

    def labels(self, records: NDArray[np.int64]) -> Mapping[str, Tensor]:
        """The task's label columns for records: name -> (n,) float32, NaN unknown; empty without a task."""
        if self.table.task is None:
            return {}
        at = self.table_rows(records)
        return {n: torch.from_numpy(self.table.labels(n)[at].astype(np.float32)) for n in self.table.task.labels}


def resolve(
    reference: str | SampleTable,
    *,
    root: str | None = None,
    dims: Literal[2, 3] | None = None,
    task: str | None = None,
    labels: str | Sequence[str] | bool | None = None,
    subject: str | None = None,
    labels_file: str | None = None,
    columns: Sequence[str] | str | None = None,
    mapping: str | None = None,
    uncertain: Policy | None = None,
    filter: Filter | None = None,
    download: bool = False,
    allow_leakage: bool = False,
    limit: int | None = None,
    kind: Kind | None = None,
    least: int = 2,
    terminal: Terminal | None = None,
) -> SampleTable:
    """The table of ``reference``, its first ``limit`` training rows; see ``references.resolve``."""
    if isinstance(reference, str):
        refuse_secrets(reference)  # before a bar shows it
    with (terminal or Terminal(quiet=True)).bar(f"listing {reference}", "files") as progress:
        table = references.resolve(
            reference,
            root=root,
            dims=dims,
            task=task,
            labels=labels,
            kind=kind,
            subject=subject,
            labels_file=labels_file,
            columns=columns,
            mapping=mapping,
            uncertain=uncertain,
            filter=filter,
            download=download,
            allow_leakage=allow_leakage,
            least=least,
            progress=lambda done, total=None, *_: progress(done, total),
        )
    if table.rows_meant and terminal is not None:
        terminal.say(f"{table.source}: {table.rows_meant}.")
    if table.missing and terminal is not None:  # names are for the eye; what is written holds the count
        terminal.say(f"Not there: {', '.join(table.missing[:_NAMED])}{' ...' if len(table.missing) > _NAMED else ''}")
    for aside in table.asides:
        (terminal or Terminal(quiet=True)).say(aside)
    if limit is None:
        return table
    rest = np.setdiff1d(np.arange(len(table)), table.rows("train" if len(table.rows("train")) else ""))
    first = (table.rows("train") if len(table.rows("train")) else table.rows(""))[:limit]
    return table.subset(np.sort(np.concatenate([first, rest])))


def divide(table: SampleTable, split: Any, *, allow_leakage: bool = False, require_subjects: bool = False) -> SampleTable:
    """``table`` with train, val and test; ``split`` has ``val``, ``test``, ``by`` (auto, subject, image) and ``seed``."""
    divided = splits.split(
        table,
        split.val,
        split.test,
        by=None if split.by == "auto" else split.by,
        seed=split.seed,
        allow_leakage=allow_leakage,
        require_subjects=require_subjects,
    )
    return firm(divided)


def pick_channels(table: SampleTable) -> Literal[1, 3, "keep"]:
    """1 where the first images are all grey, and for volumes, 3 where they are grey or colour, keep where they have other channels."""
    if table.dims == 3:
        return 1
    rows = np.linspace(0, len(table) - 1, min(_LOOKED_AT, len(table))).astype(int)
    at_once = AT_ONCE if table.container is None and is_remote(table.root) else 1
    with ThreadPoolExecutor(at_once) as pool:
        counts = set(pool.map(lambda row: _channels(table, int(row)), rows)) - {None}
    if counts <= {1}:
        return 1
    return 3 if counts <= {1, 2, 3, 4} else "keep"


def _channels(table: SampleTable, row: int) -> int | None:
    uri, frame = str(table.frame["uri"].iloc[row]), int(table.frame["frame"].iloc[row])
    if table.container is not None:
        shape = table.container(uri).shape
        return 1 if len(shape) == 3 else int(shape[-1])
    try:
        return int(readers.read(table.path(uri), frame).pixels.shape[-1])
    except Unreadable:
        return None


def open_data(
    name: str,
    table: SampleTable,
    settings: StoreSettings | Plan,
    terminal: Terminal,
    *,
    max_bad_share: float = 0.05,
    watch: Callable[[int, int], None] | None = None,
    codec: Codec = "raw",
) -> DataSet:
    """``table`` with its store, decoded where that has not been done before, with a bar; volumes by a plan. See ``store.build``."""
    with terminal.bar(f"decoding {name}", "volumes" if isinstance(settings, Plan) else "images") as progress:
        shown = watch or progress
        built: RecordStore
        if isinstance(settings, Plan):
            built = store.build(table, settings, progress=shown, max_bad_share=max_bad_share, codec=codec)
        else:
            built = store.build(table, settings, progress=shown, max_bad_share=max_bad_share)
    if lost := [number for number, reason in built.left_out if reason.startswith(UNREACHED)]:
        named = ", ".join(table.locate(lost[:_NAMED])) + (" ..." if len(lost) > _NAMED else "")
        terminal.say(f"{len(lost):,} files could not be fetched; they are left out, and tried again when this is run again: {named}")
    return DataSet(name, table, built)
