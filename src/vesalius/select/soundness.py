"""Embeddings that nothing can be chosen by are refused."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vesalius.errors import UserError

_BLOCK = 65_536


def refuse_unsound(vectors: NDArray[Any], names: NDArray[np.str_]) -> None:
    """Raise UserError where ``vectors`` (N, D) of the images ``names`` are not finite, or all the same."""
    wrong = np.concatenate([~np.isfinite(vectors[at : at + _BLOCK]).all(1) for at in range(0, len(vectors), _BLOCK)] or [np.zeros(0, bool)])
    if wrong.any():
        first = ", ".join(names[wrong][:3])
        raise UserError(
            f"The embeddings of {int(wrong.sum()):,} of {len(vectors):,} images are not finite ({first}), so no distance to them is known. The encoder's "
            "weights are damaged or overflow: look at them, embed with --precision fp32, or correct the file of embeddings."
        )
    if len(vectors) > 1 and all((vectors[at : at + _BLOCK] == vectors[0]).all() for at in range(0, len(vectors), _BLOCK)):
        raise UserError(
            f"All {len(vectors):,} embeddings are the same, so they tell no image from another. The encoder has collapsed, or the wrong layer was "
            "named (--layer): use another encoder."
        )
