"""Where each image lies on the picture of the embeddings: some by t-SNE, the others among their nearest of those."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from vesalius import random
from vesalius.files import atomic_write
from vesalius.measures import map2d

_PLACED = 3000
"""Images placed by t-SNE, whose cost grows faster than their number."""
_AMONG = 5
_BLOCK = 4096


def placed(vectors: NDArray[np.floating], first: NDArray[np.int64], seed: int) -> tuple[NDArray[np.float32], str]:
    """``(N, 2)`` in [0, 1] for ``vectors`` (N, D), and how it was made.

    At most 3,000 rows are placed by t-SNE: ``first`` (the selected) as far as they go, the rest drawn. Any other lies at the
    mean of its five nearest of those by cosine, weighted by exp(cosine / 0.07).
    """
    drawn = random.permutation(random.digest64("map", seed), 0, len(vectors))
    chosen = first[:_PLACED]
    others = drawn[~np.isin(drawn, chosen)][: _PLACED - len(chosen)]
    known = np.sort(np.concatenate([chosen, others]))
    of_known = torch.from_numpy(np.asarray(vectors[known], np.float32))
    made = map2d.tsne(of_known, seed=seed)
    xy = np.empty((len(vectors), 2), np.float32)
    xy[known] = made.xy
    left = np.setdiff1d(np.arange(len(vectors)), known)
    base, places = torch.nn.functional.normalize(of_known, dim=1), torch.from_numpy(made.xy).float()
    for start in range(0, len(left), _BLOCK):
        rows = left[start : start + _BLOCK]
        asked = torch.nn.functional.normalize(torch.from_numpy(np.asarray(vectors[rows], np.float32)), dim=1)
        cosine, at = (asked @ base.T).topk(min(_AMONG, len(known)), dim=1)
        weight = torch.softmax(cosine / 0.07, 1)
        xy[rows] = (weight[:, :, None] * places[at]).sum(1).numpy()
    more = f"; {len(left):,} further images among the nearest of these {len(known):,}" if len(left) else ""
    return xy, made.method + more


def keep_array(file: Path, values: NDArray[Any]) -> None:
    """Write ``values``, of any shape (n, ...), to ``file``, whole or not at all."""
    buffer = io.BytesIO()
    np.save(buffer, values)
    atomic_write(file, buffer.getvalue())
