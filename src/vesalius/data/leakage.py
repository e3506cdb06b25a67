"""Is what we test with also what we trained on? The same person, or the same image, in two tables."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vesalius.data.file_states import FileStates
from vesalius.data.readers.volume import series_at
from vesalius.data.readers.volume_series import files_of
from vesalius.data.table import SampleTable
from vesalius.files import AT_ONCE, contents


@dataclass(frozen=True)
class Overlap:
    """How much of ``other`` is also in ``train``.

    ``images``: samples of ``other`` whose image is in ``train``; ``subjects``: people in both, None where one of the
    tables knows none. ``compared_by``: ``stored pixels`` (digests of two stores), ``stored pixels and perceptual hash``,
    ``content`` (bytes of files or rows of arrays), or ``nothing`` where one table has files, the other arrays.
    ``of_images``, ``of_subjects``: of how many.
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
    alike: NDArray[np.bool_] | None = None,
) -> Overlap:
    """Count what ``other`` shares with ``train``.

    ``digests``: the record digests of the two tables' stores, where stores of equal settings exist. Without them files
    are compared by their bytes (only those whose size occurs on both sides are read) and arrays row by row. ``alike``
    ``(n,)``: which of the n of ``other`` look like one of ``train`` (see ``data.matching``), where that was compared.
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
        mine_files, their_files = FileStates.of(train), FileStates.of(other)
        worth = np.intersect1d(mine_files.sizes[mine_files.sizes > 0], their_files.sizes)
        by, same = (
            "content",
            np.isin(of_files(other, their_files, worth), np.setdiff1d(of_files(train, mine_files, worth), [""])),
        )
    if alike is not None:
        by, same = f"{by} and perceptual hash", same | alike
    return Overlap(int(same.sum()), len(other), shared if known else None, len(people) if known else None, by)


def of_files(table: SampleTable, files: FileStates, worth: NDArray[np.int64]) -> NDArray[np.str_]:
    """``(N,)`` a digest of file, frame and box; empty where the file's size is not among ``worth``."""
    out = [""] * len(table)
    uris, frames, boxes = (table.frame[name].tolist() for name in ("uri", "frame", "box"))
    rows = np.flatnonzero(np.isin(files.sizes, worth)).tolist()
    wanted = dict.fromkeys(uris[row] for row in rows)

    def digest(uri: str) -> str:
        folder, series = series_at(table.path(uri)) if table.dims == 3 else (None, None)
        if folder is not None:  # slices, in whatever order they are named
            parts = sorted(blake2b(contents(file), digest_size=16).digest() for file in files_of(folder, series))
            return blake2b(b"".join(parts), digest_size=16).hexdigest()
        data = contents(table.path(uri)) if files.objects is None else files.objects.read(uri)
        return blake2b(data, digest_size=16).hexdigest()

    with ThreadPoolExecutor(1 if files.objects is None else AT_ONCE) as pool:
        seen = dict(zip(wanted, pool.map(digest, wanted), strict=True))
    for row in rows:
        out[row] = f"{seen[uris[row]]}|{frames[row]}|{boxes[row]}"
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
