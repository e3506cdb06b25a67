"""The images that a selection chooses from, by name: what the data hold, less what was not meant."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from vesalius.data.dataset import resolve
from vesalius.data.schema import SPLITS
from vesalius.data.table import SampleTable
from vesalius.errors import UserError
from vesalius.select.config import SelectConfig
from vesalius.terminal import Terminal


@dataclass(frozen=True)
class Pool:
    """``table`` in the order of ``names`` (N,), which are paths relative to the table's root, a frame or a box after ``#``.

    ``test``: images of the data's own test split, none of which can be selected; None where there are none.
    """

    table: SampleTable
    names: NDArray[np.str_]
    test: SampleTable | None = None

    def __len__(self) -> int:
        return len(self.names)

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> Pool:
        """These rows, in the order of names."""
        numbers = np.flatnonzero(rows) if rows.dtype == bool else np.sort(rows.astype(np.int64))
        return Pool(self.table.subset(numbers), self.names[numbers])


def pool_of(config: SelectConfig, terminal: Terminal) -> Pool:
    """The images of ``config.data``: of its split (by default the training images, where the data are divided), of its relevant files.

    Raises UserError where nothing is left.
    """
    table = resolve(
        config.data, task=config.task, labels=config.labels, uncertain=config.uncertain, filter=config.filter,
        subject=config.subject, download=config.download, limit=config.limit, least=1, terminal=terminal,
    )  # fmt: skip
    meant = _of_split(table, config.split, terminal)
    pool = _sorted(meant)
    if config.relevant_filenames_file is not None:
        from vesalius.select.relevant import relevant

        pool = pool.take(relevant(pool.names, config.relevant_filenames_file, terminal, str(pool.table.root)))
    if config.path_regex is not None and len(pool):
        from vesalius.select.path_keys import path_keys

        said = path_keys(pool.names, config.path_regex, terminal)
        pool = Pool(pool.table.with_columns(**{f"meta.{key}": column for key, column in said.items()}), pool.names)
    if not len(pool):
        raise UserError(f"{config.data} holds no image to choose from. Look at what is there: `vesalius data show {config.data}`.")
    rest = table.rows("test") if len(meant) < len(table) and config.split != "test" else np.empty(0, np.int64)
    return replace(pool, test=table.subset(rest)) if len(rest) else pool


def names_of(table: SampleTable) -> NDArray[np.str_]:
    """``(N,)`` what a user knows each row by: its path relative to the root, with ``#frame`` and ``#x,y,w,h`` where there are any."""
    uris = table.frame["uri"].to_numpy(dtype=np.str_)
    if table.root:
        root = str(table.root).rstrip("/") + "/"
        absolute = np.char.startswith(uris, root)
        uris = np.where(absolute, np.char.replace(uris, root, "", count=1), uris) if absolute.any() else uris
    frames = table.frame["frame"].to_numpy(np.int64)
    if table.container is not None or frames.any():
        uris = np.char.add(np.char.add(uris, "#"), frames.astype(np.str_))
    boxes = table.frame["box"]
    if boxes.notna().any():
        marks = ["" if box is None else "#" + ",".join(f"{side:g}" for side in box) for box in boxes]
        uris = np.char.add(uris, np.asarray(marks, dtype=np.str_))
    return uris


def _of_split(table: SampleTable, split: str | None, terminal: Terminal) -> SampleTable:
    if split is not None:
        rows = table.rows(split)
        if not len(rows):
            there = [name for name in SPLITS if len(table.rows(name))]
            way = f"It has {', '.join(there)}: name one of them" if there else "Its images are not divided: leave --split out"
            raise UserError(f"{table.source} has no image in the split {split!r}. {way}.")
        return table.subset(rows)
    train = table.rows("train")
    if len(train) and len(train) < len(table):
        terminal.say(f"{table.source}: its {len(train):,} training images of {len(table):,}; --split names another part.")
        return table.subset(train)
    return table


def _sorted(table: SampleTable) -> Pool:
    names = names_of(table)
    order = np.argsort(names, kind="stable")
    return Pool(table.subset(order), names[order])
