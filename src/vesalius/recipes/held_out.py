"""What is held out of the monitoring data is not learnt from, whatever file, format or data set it is found in again."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vesalius.data import perceptual
from vesalius.data.dataset import DataSet
from vesalius.data.leakage import overlap
from vesalius.data.matching import hashes, nearest
from vesalius.data.pixel_store import PixelStore
from vesalius.errors import UserError
from vesalius.recipes.config import DataConfig
from vesalius.terminal import Terminal


@dataclass(frozen=True)
class _Found:
    """Of training records, in their order: stored pixels equal, looks alike, shows the same person. Each but the one before."""

    equal: NDArray[np.bool_]
    alike: NDArray[np.bool_]
    people: NDArray[np.bool_]

    def counts(self) -> dict[str, int]:
        """How many of each."""
        return {"equal": int(self.equal.sum()), "alike": int(self.alike.sum()), "people": int(self.people.sum())}


def without_held_out(
    train: DataSet, rows: NDArray[np.int64], monitors: Mapping[str, DataSet], data: DataConfig, terminal: Terminal
) -> tuple[NDArray[np.int64], dict[str, Any]]:
    """``rows`` of ``train`` without what is of a monitoring set's validation and test images, and what was found, for the results.

    Left out are records with equal stored pixels; by ``data.match``, of another data set than the monitoring one, also those
    within its distance in perceptual hash, and those of the same people where both know theirs.
    Raises UserError when fewer than two are left.
    """
    report: dict[str, Any] = {"left_out": 0, "left_out_by": {"equal": 0, "alike": 0, "people": 0}, "sets": {}}
    for key, monitor in monitors.items():
        held = np.concatenate([monitor.rows("val"), monitor.rows("test")])
        found, report["sets"][monitor.public] = _shared(train, rows, monitor, held, data, terminal)
        counts = found.counts()
        _say(counts, key.partition("|")[0], _distance(data), terminal, "volume" if train.table.dims == 3 else "image")
        report["left_out"] += sum(counts.values())
        report["left_out_by"] = {how: n + counts[how] for how, n in report["left_out_by"].items()}
        rows = rows[~(found.equal | found.alike | found.people)]
    if data.match == "off" and any(_elsewhere(train, monitor) for monitor in monitors.values()):
        report["matching"] = "Training images that look like held-out ones, or show the same people, were not left out (data.match: off)."
    if len(rows) < 2 and report["left_out"]:
        raise UserError(
            "Every training image is a validation or test image of the monitoring data, or shows its people. Train on other images,"
            " or set --data.match off, which leaves out equal files only."
        )
    return rows, report


def _shared(
    train: DataSet, rows: NDArray[np.int64], monitor: DataSet, held: NDArray[np.int64], data: DataConfig, terminal: Terminal
) -> tuple[_Found, dict[str, Any]]:
    digests = _contents(train, rows, monitor), _contents(monitor, held, train)
    equal = np.isin(*digests)
    alike, people, again = np.zeros(len(rows), bool), np.zeros(len(rows), bool), None
    learnt, kept = train.table.subset(train.table_rows(rows)), monitor.table.subset(monitor.table_rows(held))
    images = isinstance(train.store, PixelStore) and isinstance(monitor.store, PixelStore)  # volumes are compared by content alone
    if data.match != "off" and _elsewhere(train, monitor):
        if images:
            with terminal.bar(f"comparing with {monitor.name}", "images") as progress:
                mine, theirs = hashes(train.store, progress).take(rows), hashes(monitor.store).take(held)
            if theirs.known.any() and mine.known.any():
                twin, _ = nearest(mine, theirs, _distance(data))
                alike = (twin >= 0) & ~equal
                again = np.isin(np.arange(len(held)), twin)
        if not data.allow_leakage and learnt.subjects is not None and kept.subjects is not None:
            whose = {name for name in kept.subjects if name is not None}
            people = np.array([name in whose for name in learnt.subjects], bool) & ~equal & ~alike
    shared = overlap(learnt, kept, digests=digests, alike=again)
    if shared.subjects and not people.any():
        terminal.say(
            f"{shared.subjects} of {shared.of_subjects} subjects of {monitor.name}'s validation and test images are also in the "
            "training data: the encoder has seen other images of them."
        )
    return _Found(equal, alike, people), shared.as_dict()


def _contents(data: DataSet, rows: NDArray[np.int64], other: DataSet) -> NDArray[np.str_]:
    """What tells equal records: their addresses; of volumes of different data sets the voxels, since an address also counts label volumes."""
    if data.table.dims == 2 or data.store.folder == other.store.folder:
        return data.store.digests[rows]
    return np.array([hashlib.blake2b(data.store.array(int(row)).tobytes(), digest_size=16).hexdigest() for row in rows], dtype=np.str_)


def _elsewhere(train: DataSet, monitor: DataSet) -> bool:
    """Whether the two are different data sets: parts of one are told apart by their split."""
    return (train.table.source, train.table.root) != (monitor.table.source, monitor.table.root)


def _distance(data: DataConfig) -> int:
    return data.match if isinstance(data.match, int) else perceptual.DISTANCE


def _say(counts: Mapping[str, int], name: str, distance: int, terminal: Terminal, word: str) -> None:
    if counts["equal"]:
        terminal.say(f"{counts['equal']:,} training {word}(s) are validation or test {word}s of {name}; they are left out.")
    if counts["alike"]:
        terminal.say(
            f"{counts['alike']:,} training image(s) look like validation or test images of {name} (within {distance} of "
            f"{perceptual.BITS} bits of a perceptual hash); they are left out."
        )
    if counts["people"]:
        terminal.say(
            f"{counts['people']:,} training {word}(s) show people of {name}'s validation and test {word}s; they are left out "
            "(--data.match off keeps them)."
        )
