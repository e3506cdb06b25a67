"""Is what we test with also what we trained on? The same person, or the same image, in two tables."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vesalius.data.table import SampleTable


@dataclass(frozen=True)
class Overlap:
    """How much of ``other`` is also in ``train``.

    ``images``: samples of ``other`` whose image is in ``train``; ``subjects``: people in both, None where one of the
    tables knows none. ``compared_by``: ``stored pixels`` (digests of two stores), ``content`` (bytes of files or rows of
    arrays), or ``nothing`` where one table has files, the other arrays. ``of_images``, ``of_subjects``: of how many.
    """

    images: int
    of_images: int
    subjects: int | None
    of_subjects: int | None
    compared_by: str

    @property
    def warning(self) -> str | None:
        """One sentence where something overlaps."""
        found = []
        if self.subjects:
            found.append(f"{self.subjects} of {self.of_subjects} subjects")
        if self.images:
            found.append(f"{self.images} of {self.of_images} images")
        return f"{' and '.join(found)} of the monitoring data are also in the training data." if found else None

    def as_dict(self) -> dict[str, Any]:
        """The fields, for a run's results."""
        return asdict(self)


def overlap(
    train: SampleTable,
    other: SampleTable,
    *,
    digests: tuple[NDArray[np.str_] | list[str], NDArray[np.str_] | list[str]] | None = None,
) -> Overlap:
    """Count what ``other`` shares with ``train``.

    ``digests``: the record digests of the two tables' stores, where stores of equal settings exist. Without them files
    are compared by their bytes (only those whose size occurs on both sides are read) and arrays row by row.
    """
    mine, others = train.subjects, other.subjects
    known = mine is not None and others is not None
    people = {s for s in others if s is not None} if others is not None else set()
    shared = len(people & {s for s in mine if s is not None}) if mine is not None else 0
    if digests is not None:
        by, same = "stored pixels", np.isin(np.asarray(digests[1]), np.asarray(digests[0]))
    elif (train.container is None) != (other.container is None):
        by, same = "nothing", np.zeros(len(other), bool)
    elif train.container is not None:
        by, same = "content", np.isin(_of_rows(other), _of_rows(train))
    else:
        sizes, theirs = _sizes(train), _sizes(other)
        worth = np.intersect1d(sizes[sizes > 0], theirs)
        by, same = (
            "content",
            np.isin(_of_files(other, theirs, worth), np.setdiff1d(_of_files(train, sizes, worth), [""])),
        )
    return Overlap(int(same.sum()), len(other), shared if known else None, len(people) if known else None, by)


def _sizes(table: SampleTable) -> NDArray[np.int64]:
    """``(N,)`` bytes of each row's file, 0 where it is not there."""
    out = np.zeros(len(table), np.int64)
    for row, uri in enumerate(table.frame["uri"]):
        try:
            out[row] = (Path(table.root) / uri).stat().st_size
        except OSError:
            continue
    return out


def _of_files(table: SampleTable, sizes: NDArray[np.int64], worth: NDArray[np.int64]) -> NDArray[np.str_]:
    """``(N,)`` a digest of file, frame and box; empty where the file's size is not among ``worth``."""
    out = [""] * len(table)
    seen: dict[str, str] = {}
    uris, frames, boxes = (table.frame[name].tolist() for name in ("uri", "frame", "box"))
    for row in np.flatnonzero(np.isin(sizes, worth)).tolist():
        uri = uris[row]
        if uri not in seen:
            seen[uri] = blake2b((Path(table.root) / uri).read_bytes(), digest_size=16).hexdigest()
        out[row] = f"{seen[uri]}|{frames[row]}|{boxes[row]}"
    return np.array(out)


def _of_rows(table: SampleTable) -> NDArray[np.str_]:
    """``(N,)`` a digest of each row's pixels and box."""
    assert table.container is not None
    out = [""] * len(table)
    uris, frames, boxes = (table.frame[name].tolist() for name in ("uri", "frame", "box"))
    for uri in dict.fromkeys(uris):
        array = table.container(uri)
        kind = f"{array.shape[1:]}|{array.dtype}"
        for row in [row for row, other in enumerate(uris) if other == uri]:
            digest = blake2b(array[frames[row]].tobytes(), digest_size=16).hexdigest()
            out[row] = f"{digest}|{kind}|{boxes[row]}"
    return np.array(out)
