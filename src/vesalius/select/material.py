"""What is chosen from, put together: images with vectors, their objects, members of a datapool, and what counts as chosen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vesalius.select.candidates import Candidates, Objects
from vesalius.select.config import SelectConfig
from vesalius.select.embedded import Embedded
from vesalius.select.embeddings_file import with_marks
from vesalius.select.growing import Joined, Round
from vesalius.select.pool import Pool
from vesalius.select.preselection import listed
from vesalius.select.soundness import refuse_unsound
from vesalius.terminal import Terminal


def own_embeddings(config: SelectConfig, pool: Pool) -> Embedded:
    """The vectors of the user's own file for the images that it does not mask, and which of them it says were selected.

    Raises UserError for a file that cannot be read or lacks an image.
    """
    named = Path(str(config.embeddings)).expanduser()
    below = Path(pool.table.root) / ".lightly" / "embeddings" / named  # where the original looks
    vectors, masked, selected = with_marks(below if not named.exists() and below.is_file() else named, pool.names)
    if config.normalise:
        vectors = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    return Embedded(pool.take(~masked), vectors[~masked] if masked.any() else vectors, selected=np.flatnonzero(selected[~masked]))


def candidates_of(found: Embedded, config: SelectConfig, grown: Round | None, maker: str, terminal: Terminal) -> Candidates:
    """The candidates in the order of names. ``maker``: what made the vectors, for the datapool. Raises UserError for vectors that tell nothing apart."""
    pool = found.pool
    if found.vectors is not None:
        refuse_unsound(found.vectors, pool.names)
    rows = Joined(pool.names, pool.table.ids, found.vectors, np.empty(0, np.int64))
    if grown is not None:
        rows = grown.joined(pool.names, pool.table.ids, found.vectors, maker)
    frame, place = pool.table.frame, np.searchsorted(rows.names, pool.names)
    if len(rows.ids) != len(frame):  # a datapool's members whose files have vanished are known by id alone
        frame = frame.set_index("id").reindex(rows.ids).reset_index()
    chosen = np.union1d(np.union1d(rows.chosen, place[found.selected]), listed(config.preselected, rows.names, terminal))
    return Candidates(
        rows.names, rows.vectors, _moved(found.objects, place), chosen, frame=frame, root=str(pool.table.root), seed=config.seed,
        terminal=terminal, table=pool.table,
    )  # fmt: skip


def _moved(objects: Mapping[str, Objects], place: NDArray[np.int64]) -> dict[str, Objects]:
    """Objects whose images stand at ``place`` now."""
    return {task: replace(parts, owner=place[parts.owner]) for task, parts in objects.items()}
