"""Files that are gone and files that are there twice, found without decoding any: for jobs that look at no pixels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vesalius.data.file_states import FileStates
from vesalius.data.leakage import of_files
from vesalius.data.table import SampleTable
from vesalius.runs import Run
from vesalius.select.pool import Pool
from vesalius.terminal import Terminal

_NAMED = 5


def exact_duplicates(table: SampleTable, ahead: NDArray[np.uint64]) -> list[tuple[int, int]]:
    """Rows whose bytes, frame and box are those of another row, with that other: the first, rows of the ids ``ahead`` (k,) before all.

    Only files of a size that occurs twice are read. Rows of ``ahead`` stay. Arrays are not compared.
    """
    if table.container is not None:
        return []
    files = FileStates.of(table)
    sizes, count = np.unique(files.sizes[files.sizes > 0], return_counts=True)
    digests = of_files(table, files, sizes[count > 1])
    earlier = np.isin(table.ids, ahead)
    first: dict[str, int] = {}
    for row in np.argsort(~earlier, kind="stable").tolist():
        if digests[row]:
            first.setdefault(str(digests[row]), row)
    return [(row, first[str(digest)]) for row, digest in enumerate(digests) if digest and first[str(digest)] != row and not earlier[row]]


def usable(pool: Pool, run: Run, terminal: Terminal, *, once: bool, before: NDArray[np.uint64]) -> Pool:
    """``pool`` without files that are gone and, if ``once``, without all but one of equal files; those of ids ``before`` (k,) stay.

    ``left_out.json`` and ``duplicates.json`` of the run say which, by id; the terminal the first by name.
    """
    ids = [f"{int(number):016x}" for number in pool.table.ids]
    gone = np.zeros(len(pool), bool) if pool.table.container is not None else FileStates.of(pool.table).sizes < 0
    run.write_json("left_out.json", [{"id": ids[row], "reason": "The file is not there."} for row in np.flatnonzero(gone)])
    twins = exact_duplicates(pool.table, before) if once else []
    run.write_json("duplicates.json", [{"id": ids[row], "of": ids[other]} for row, other in twins])
    left = (
        (np.flatnonzero(gone).tolist(), "is not there", "are not there"),
        ([row for row, _ in twins], "holds the same bytes as another", "hold the same bytes as others"),
    )
    for rows, one, several in left:
        if rows:
            what = one if len(rows) == 1 else several
            more = " ..." if len(rows) > _NAMED else ""
            terminal.say(f"{len(rows):,} of {len(pool):,} files {what} and cannot be selected: {', '.join(pool.names[rows[:_NAMED]])}{more}")
    kept = ~gone
    kept[[row for row, _ in twins]] = False
    return pool if kept.all() else pool.take(kept)
