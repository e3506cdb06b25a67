"""What is drawn for records of a store: the one way from a store's facts to ``Views.draw``."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vesalius.views.batch import Draws


def drawn(views: Any, store: Any, rows: NDArray[np.int64], *, seed: int = 0, epoch: int = 0, draw: NDArray[np.int64] | int = 0) -> Draws:
    """``views.draw`` for records ``rows`` of ``store`` and ``draw``, a number or (B,), with where there is something to see where the store knows it."""
    ground = getattr(store, "ground", None)
    known = {} if ground is None else {"ground": ground(rows)}
    found: Draws = views.draw(seed, epoch, rows, store.ids[rows], store.extents[rows], draw, **known)
    return found
