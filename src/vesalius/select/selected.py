"""A finished selection: what the report draws, and what is handed to other tools."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from vesalius.select.candidates import Candidates
from vesalius.select.picks import Picks

if TYPE_CHECKING:
    from vesalius.data.table import SampleTable


@dataclass(frozen=True)
class Selected:
    """``picks`` of ``candidates`` under a ``name``.

    ``labels`` (N,) by name, NaN unknown, with ``class_names`` of their values; ``map`` (N, 2): where each candidate lies on the
    picture of the embeddings; ``encoder``: a title of what made the vectors. ``table``: the images themselves, for what has to be copied or
    drawn; it may hold more rows than the candidates, and lack those of a datapool that have vanished.
    """

    name: str
    candidates: Candidates
    picks: Picks
    labels: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    class_names: Mapping[str, Sequence[str]] = field(default_factory=dict)
    map: NDArray[np.float32] | None = None
    encoder: str = ""
    table: SampleTable | None = None

    @property
    def names(self) -> NDArray[np.str_]:
        """The selected images' names in the order of choice, relative to ``candidates.root``."""
        return self.candidates.names[self.picks.rows]
