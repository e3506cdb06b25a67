"""What was selected from a growing data set, round by round: ids, vectors, and the files that were looked at.

A folder for each data set, beside the runs (or below ``VESALIUS_DATAPOOLS``). A round is a folder that is written once and never changed, so
that a killed process leaves the rounds before it. Files and people are not named in it: it holds ids, sizes and times.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from vesalius.data.dataset_names import key_of
from vesalius.errors import UserError
from vesalius.files import Lock, atomic_folder, sweep_leftovers
from vesalius.runs import home

if TYPE_CHECKING:
    from vesalius.data.table import SampleTable

_SEEN = np.dtype([("id", "<u8"), ("size", "<i8"), ("changed", "<i8")])


def place() -> Path:
    """Where datapools live: ``VESALIUS_DATAPOOLS``, or ``datapools`` beside the runs."""
    given = os.environ.get("VESALIUS_DATAPOOLS")
    return Path(given) if given else home() / "datapools"


def every() -> list[str]:
    """The names of all datapools."""
    return sorted(folder.name for folder in place().iterdir() if any(folder.glob("round-*"))) if place().is_dir() else []


@dataclass(frozen=True)
class Joined:
    """New rows with the pool's behind them: ``names`` (N,), ``ids`` (N,), ``vectors`` (N, D), and ``chosen``, the rows that count as chosen."""

    names: list[str]
    ids: NDArray[np.uint64]
    vectors: NDArray[np.float32]
    chosen: NDArray[np.int64]


@dataclass(frozen=True)
class Datapool:
    """The rounds of the data set ``name`` as they were when it was opened.

    ``ids`` (M,) of what was selected, in the order of choice; ``vectors`` (M, D) float32 of each, by the last round's encoder; ``seen``: id,
    size and time of each file that was looked at, sorted by id.
    """

    name: str
    rounds: Sequence[Mapping[str, Any]] = ()
    ids: NDArray[np.uint64] = field(default_factory=lambda: np.empty(0, np.uint64))
    vectors: NDArray[np.float32] = field(default_factory=lambda: np.empty((0, 0), np.float32))
    seen: NDArray[Any] = field(default_factory=lambda: np.empty(0, _SEEN))

    @classmethod
    def open(cls, name: str, rounds: int | None = None) -> Datapool:
        """The pool of ``name``, empty where there is none yet, as it was after so many ``rounds``. Raises UserError where its files are damaged."""
        folders = _rounds(place() / key_of(name))[:rounds]
        if not folders:
            return cls(name)
        try:
            told = [json.loads((folder / "round.json").read_text()) for folder in folders]
            ids = [np.load(folder / "ids.npy", allow_pickle=False) for folder in folders]
            again = max((number for number, facts in enumerate(told) if facts["embedded_again"]), default=None)
            parts = [] if again is None else [np.load(folders[again] / "again.npy", allow_pickle=False)]
            parts += [np.load(folder / "vectors.npy", allow_pickle=False) for folder in folders[again or 0 :]]
            seen = np.concatenate([np.load(folder / "seen.npy", allow_pickle=False) for folder in folders])
            pool = cls(name, told, np.concatenate(ids), np.concatenate([part for part in parts if len(part)] or parts[:1]), _latest(seen))
            if len(pool.ids) != len(pool.vectors) or [facts["round"] for facts in told] != list(range(1, len(told) + 1)):
                raise ValueError("rounds do not add up")
        except (OSError, ValueError, KeyError) as error:
            raise UserError(
                f"The datapool {name} in {place() / key_of(name)} cannot be read ({type(error).__name__}). Put its files back from a copy, or, to begin "
                "anew, rename the folder."
            ) from error
        return pool

    @property
    def folder(self) -> Path:
        """Where it lies."""
        return place() / key_of(self.name)

    @property
    def encoder(self) -> str:
        """What made the vectors, empty while there are none."""
        return str(self.rounds[-1]["encoder"]) if self.rounds else ""

    def history(self) -> list[dict[str, Any]]:
        """A mapping for each round: round, run, time, encoder, dim, selected, looked_at, members, embedded_again."""
        return [dict(facts) for facts in self.rounds]

    def new_rows(self, table: SampleTable, process_all: bool = False) -> NDArray[np.bool_]:
        """``(N,)`` which rows of ``table`` are to be looked at: those of files that are new or changed, or ``process_all``; never what was selected."""
        wanted = ~np.isin(table.ids, self.ids)
        if process_all or not len(self.seen):
            return wanted
        now = _states(table)
        at = np.minimum(np.searchsorted(self.seen["id"], now["id"]), len(self.seen) - 1)
        fresh: NDArray[np.bool_] = wanted & (self.seen[at] != now)
        return fresh

    def stale(self, encoder: str, dim: int) -> bool:
        """Whether the vectors are another encoder's than ``encoder``, and are to be made again before anything is compared.

        Raises UserError where they are the same encoder's, and of another length than ``dim``.
        """
        if not len(self.ids):
            return False
        if encoder != self.encoder:
            return True
        if dim != self.vectors.shape[1]:
            raise UserError(
                f"The datapool {self.name} holds vectors of {self.vectors.shape[1]} numbers, and these have {dim}: they cannot be compared. Give "
                "embeddings of the same length, or another data set's name (--dataset)."
            )
        return False

    def refuse(self, gone: int) -> None:
        """Raise UserError: ``gone`` of what was selected cannot be embedded by another encoder."""
        raise UserError(
            f"The datapool {self.name} was made with another encoder, and {gone:,} of its {len(self.ids):,} images are not there any more to be embedded "
            "again, so that new images cannot be compared with them. Use the encoder of the earlier rounds (`vesalius data datapools "
            f"{key_of(self.name)}` shows its hash), put the files back, or begin another pool with --dataset."
        )

    def joined(self, names: Sequence[str], ids: NDArray[np.uint64], vectors: NDArray[Any]) -> Joined:
        """Rows to choose from, with what was selected before and is not among them behind them, called ``(datapool) ID``.

        Raises UserError for vectors of another length.
        """
        if len(self.ids) and self.vectors.shape[1] != vectors.shape[1]:
            raise UserError(
                f"The datapool {self.name} holds vectors of {self.vectors.shape[1]} numbers, and these have {vectors.shape[1]}: they cannot be compared. Use "
                "the encoder of the earlier rounds, or another data set's name (--dataset)."
            )
        behind = ~np.isin(self.ids, ids)
        called = [f"(datapool) {int(i):016x}" for i in self.ids[behind]]
        before = np.flatnonzero(np.isin(ids, self.ids))
        after = np.arange(len(ids), len(ids) + int(behind.sum()))
        joined = np.concatenate([vectors, self.vectors[behind]]).astype(np.float32) if behind.any() else np.asarray(vectors, np.float32)
        return Joined([*map(str, names), *called], np.concatenate([ids, self.ids[behind]]), joined, np.concatenate([before, after]).astype(np.int64))

    def add(
        self, run: str, encoder: str, ids: NDArray[np.uint64], vectors: NDArray[Any], *, looked_at: SampleTable,
        again: NDArray[np.float32] | None = None, **facts: Any,
    ) -> Datapool:  # fmt: skip
        """The pool with a further round: ``ids`` (n,) selected, in their order, ``vectors`` (n, D), and the files of ``looked_at``.

        A round of the same ``run`` is not added twice. ``again``: (M, D) the members' vectors, where another encoder made ``vectors``. ``facts``:
        whatever else is to stand in the history; ids and numbers only. Raises UserError where another process has added a round since this
        was opened: what it selected was not known here.
        """
        with Lock(self.folder / ".lock") as lock:
            now = Datapool.open(self.name)
            if any(before["run"] == run for before in now.rounds):
                return now
            if len(now.rounds) != len(self.rounds):
                raise UserError(
                    f"Another run has added a round to the datapool {self.name} since this one began, so that this selection does not know what that "
                    "one chose. Nothing was added. Run the same command again: what is embedded is not embedded anew."
                )
            if len(np.unique(ids)) != len(ids) or np.isin(ids, self.ids).any():
                raise ValueError("an image would be selected twice")
            if len(self.ids) and again is None and (encoder != self.encoder or vectors.shape[1] != self.vectors.shape[1]):
                raise ValueError("vectors of another encoder, without those of the members")
            number = len(self.rounds) + 1
            about = {
                "round": number, "run": run, "time": datetime.now(UTC).isoformat(timespec="seconds"), "encoder": encoder, "dim": int(vectors.shape[1]),
                "selected": len(ids), "looked_at": len(looked_at), "members": len(self.ids) + len(ids), "embedded_again": again is not None, **facts,
            }  # fmt: skip
            sweep_leftovers(self.folder)
            with atomic_folder(self.folder / f"round-{number:04d}") as folder:
                np.save(folder / "ids.npy", np.asarray(ids, np.uint64))
                np.save(folder / "vectors.npy", np.asarray(vectors, np.float32))
                np.save(folder / "seen.npy", _states(looked_at))
                if again is not None:
                    np.save(folder / "again.npy", np.asarray(again, np.float32))
                (folder / "round.json").write_text(json.dumps(about, indent=1) + "\n")
                lock.check()
        return Datapool.open(self.name)


def _rounds(folder: Path) -> list[Path]:
    return sorted(folder.glob("round-*"))


def _states(table: SampleTable) -> NDArray[Any]:
    """``(N,)`` id, size and time of each row's file."""
    from vesalius.data.file_states import FileStates

    found = FileStates.of(table)
    states = np.empty(len(table), _SEEN)
    states["id"], states["size"], states["changed"] = table.ids, found.sizes, found.changed
    return states


def _latest(seen: NDArray[Any]) -> NDArray[Any]:
    """Of several states of an id the one that was seen last, sorted by id."""
    order = np.argsort(seen["id"], kind="stable")
    ordered = seen[order]
    last = np.append(ordered["id"][1:] != ordered["id"][:-1], True) if len(ordered) else np.zeros(0, bool)
    kept: NDArray[Any] = ordered[last]
    return kept
