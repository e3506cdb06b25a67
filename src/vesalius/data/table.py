"""SampleTable: one row per sample, saying where its pixels are, whose they are and what is known of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vesalius.data import identity, schema
from vesalius.data.task import TaskSpec
from vesalius.errors import UserError
from vesalius.files import place_of

Container = Callable[[str], NDArray[np.uint8]]
"""The array ``(N, H, W)`` or ``(N, H, W, C)`` behind a uri; a row's pixels are ``container(uri)[frame]``."""


@dataclass(eq=False)
class SampleTable:
    """A data set without its pixels.

    ``frame`` has the columns of ``schema``: at least ``id`` (uint64), ``uri`` (relative to ``root``, or absolute),
    ``frame`` (int64) and ``box`` ((x, y, w, h) in px or None). ``class_names`` gives the names of a label's values
    0, 1, ... by label name. ``split_by`` says what the split keeps apart: ``source`` (the data set's own split),
    ``subject``, ``image``, or empty. ``private`` tables hold ids under the user's key. ``uncertain``: the value of label
    columns that stands for "uncertain", until a policy says what it counts as (see ``data.uncertain``). ``rows_meant``:
    the filter that chose these rows of more, in words. ``missing``: files that the data set lists and that are not there,
    which are no rows; ``asides``: sentences that name files or people. Both are for the terminal, never for a run. ``dims``:
    2 for images, 3 for volumes. Raises UserError when a column is unknown, of a wrong type, or when two rows are the same
    sample.
    """

    frame: pd.DataFrame
    source: str
    root: str = ""
    class_names: dict[str, list[str]] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    task: TaskSpec | None = None
    container: Container | None = None
    licence: str = ""
    split_by: str = ""
    private: bool = False
    uncertain: float | None = None
    rows_meant: str = ""
    dims: Literal[2, 3] = 2
    missing: tuple[str, ...] = ()
    asides: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self.frame = schema.checked(self.frame, self.source)
        if self.task is not None:
            for name in self.task.labels:
                self.labels(name)

    @classmethod
    def of(
        cls,
        source: str,
        root: str | Path,
        uri: Sequence[str],
        columns: Mapping[str, Any] | None = None,
        *,
        frames: Sequence[int] | NDArray[np.int64] | None = None,
        boxes: Sequence[identity.Box | None] | None = None,
        names: Sequence[str] | None = None,
        private: bool = False,
        **rest: Any,
    ) -> SampleTable:
        """A table from uris and further ``columns``; ids are made here. ``rest`` are further fields of the class.

        ``names`` stand for the uris in the ids, where the same file may lie under several paths (packed or unpacked,
        one folder deeper), so that a sample has one id everywhere.
        """
        key = identity.user_key() if private else identity.PUBLIC
        data: dict[str, Any] = {
            "id": identity.sample_ids(
                source, names or uri, None if frames is None else (int(f) for f in frames), boxes, key
            ),
            "uri": uri,
            "frame": np.zeros(len(uri), np.int64) if frames is None else np.asarray(frames, np.int64),
            "box": pd.Series([None] * len(uri) if boxes is None else list(boxes), dtype=object),
            **(columns or {}),
        }
        return cls(pd.DataFrame(data), source, str(root), private=private, **rest)

    def __len__(self) -> int:
        return len(self.frame)

    @property
    def ids(self) -> NDArray[np.uint64]:
        """``(N,)`` the rows' ids."""
        return self.frame["id"].to_numpy(np.uint64)

    @property
    def label_names(self) -> list[str]:
        """The names of the label columns, without ``label.``."""
        return [c.removeprefix("label.") for c in self.frame.columns if c.startswith("label.")]

    def labels(self, name: str) -> NDArray[np.float64]:
        """``(N,)`` the label ``name``, NaN where it is unknown. Raises UserError naming the labels there are."""
        column = f"label.{name}"
        if column not in self.frame:
            known = ", ".join(self.label_names) or "none"
            raise UserError(
                f"The table of {self.source} has no label {name!r}. Its labels: {known}.{self._could_be_labels()}"
            )
        return self.frame[column].to_numpy(np.float64)

    def targets(self) -> NDArray[np.float64]:
        """``(N, L)`` the columns of the table's task, NaN where unknown. Raises UserError where there is no task."""
        return np.stack([self.labels(name) for name in self.require_task().labels], axis=1)

    def require_task(self, called: str = "") -> TaskSpec:
        """The table's task. Raises UserError, listing what could be labels, where nothing is labelled; ``called``: the data's name in it."""
        if self.task is None:
            known = (
                f" It has the labels {', '.join(self.label_names)}: name one as the task." if self.label_names else ""
            )
            raise UserError(
                f"The data of {called or self.source} have no labels, but labels are needed here.{known}{self._could_be_labels()}"
                f" {'Give' if self.dims == 3 else 'Put the images into one sub-folder per class, or give'} a CSV table with a column of"
                f" {'volume files and one of their labels' if self.dims == 3 else 'labels'}, or name another labelled data set."
            )
        return self.task

    def _could_be_labels(self) -> str:
        columns = [
            c.removeprefix("meta.")
            for c in self.frame.columns
            if c.startswith("meta.") and 2 <= self.frame[c].nunique() <= 50
        ]
        return f" Columns that could be labels, as --labels {columns[0]}: {', '.join(columns)}." if columns else ""

    @property
    def subjects(self) -> NDArray[np.object_] | None:
        """``(N,)`` whose each sample is, None where unknown; None altogether when no subject is known."""
        if "subject" not in self.frame or self.frame["subject"].isna().all():
            return None
        return self.frame["subject"].astype(object).where(self.frame["subject"].notna(), None).to_numpy()

    def rows(self, split: str) -> NDArray[np.int64]:
        """The row numbers of ``split``: "train", "val", "test", or "" for those not assigned."""
        column = self.frame["split"] if "split" in self.frame else pd.Series([None] * len(self), dtype=object)
        return np.flatnonzero((column.isna() if split == "" else column == split).to_numpy())

    def subset(self, rows: NDArray[np.bool_] | NDArray[np.int64] | Sequence[int]) -> SampleTable:
        """The table of these rows, by mask or by number, in the given order."""
        chosen = np.asarray(rows)
        numbers = np.flatnonzero(chosen) if chosen.dtype == bool else chosen.astype(np.int64)
        return replace(self, frame=self.frame.iloc[numbers], warnings=list(self.warnings))

    def with_columns(self, **columns: Any) -> SampleTable:
        """The table with these columns added or replaced."""
        return replace(self, frame=self.frame.assign(**columns), warnings=list(self.warnings))

    def fingerprint(self) -> str:
        """32 hexadecimal digits of ids, labels and splits; the same whatever the order of rows and the root."""
        state = blake2b(digest_size=16)
        frame = self.frame.iloc[np.argsort(self.ids)]
        state.update(np.sort(self.ids).astype("<u8").tobytes())
        for name in sorted(c for c in frame.columns if c.startswith("label.")):
            values = frame[name].to_numpy(np.float64).astype("<f8")
            values[np.isnan(values)] = np.nan  # one bit pattern for all NaN
            state.update(name.encode() + values.tobytes())
        if "split" in frame:
            state.update("\n".join(frame["split"].fillna("")).encode())
        return state.hexdigest()

    def path(self, uri: str) -> Path:
        """The file of ``uri``, without the member of a container after ``#``; a ``upath.UPath`` where the root is an address."""
        return place_of(self.root) / (uri.partition("#")[0] if self.container is not None else uri)

    def rows_of(self, ids: Iterable[int | str]) -> list[int]:
        """The row of each id (a number or hexadecimal digits), or all rows of a subject, study or series.

        Raises UserError for an id that is not of this table.
        """
        rows = {int(i): n for n, i in enumerate(self.ids)}
        found: list[int] = []
        for wanted in ids:
            try:
                found.append(rows[int(wanted, 16) if isinstance(wanted, str) else int(wanted)])
                continue
            except (KeyError, ValueError):
                groups = [np.flatnonzero(self.frame[c] == wanted) for c in ("subject", "study", "series") if c in self.frame]
            several = next((group for group in groups if len(group)), None)
            if several is None:
                raise UserError(
                    f"No sample of {self.source} has the id {wanted}. Ids are 16 hexadecimal digits as a report shows"
                    " them; was it made from these data?"
                )
            found += several.tolist()
        return found

    def locate(self, ids: Iterable[int | str]) -> list[str]:
        """The files, or addresses, behind ``ids`` (see ``rows_of``), a frame other than 0 as ``#frame``."""
        found = []
        for row in self.rows_of(ids):
            frame, uri = int(self.frame["frame"].iloc[row]), str(self.frame["uri"].iloc[row])
            found.append(str(place_of(self.root) / uri) + (f"#{frame}" if frame or self.container else ""))
        return found

    def save(self, path: str | Path) -> Path:
        """Write the table as Parquet; what is not a column goes into the file's metadata."""
        from vesalius.data import parquet

        return parquet.save(self, Path(path))

    @staticmethod
    def load(path: str | Path) -> SampleTable:
        """Read what ``save`` wrote. Raises UserError when it is another kind of file."""
        from vesalius.data import parquet

        return parquet.load(place_of(path))
