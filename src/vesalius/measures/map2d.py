"""A map of embeddings in two dimensions, to look at: t-SNE of the leading principal components."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import normalize

from vesalius import random
from vesalius.measures import pca


@dataclass(frozen=True, eq=False)
class Map:
    """``xy`` (N, 2) in [0, 1] and ``method``, one line that says how it was made."""

    xy: NDArray[np.float64]
    method: str


def tsne(vectors: Float[Tensor, "samples dim"], *, seed: int = 0, perplexity: float = 30.0) -> Map:
    """Place each L2-normalised vector by t-SNE (van der Maaten and Hinton, JMLR 9, 2008) after PCA to 50 dimensions.

    The same input gives the same map. Give at most some thousand rows: the cost grows faster than their number. Below
    ten samples the first two principal components are the map.
    """
    rows = normalize(vectors.float(), dim=1).cpu()
    leading = pca.fit(rows, 50, seed=seed)(rows)
    if len(rows) < 10:
        xy = torch.nn.functional.pad(leading, (0, 2))[:, :2].numpy()
        return Map(_unit(xy.astype(np.float64)), f"PCA of {len(rows)} L2-normalised embeddings")
    from sklearn.manifold import TSNE

    perplexity = min(perplexity, (len(rows) - 1) / 3)
    state = random.digest64("t-SNE", seed) & 0xFFFFFFFF
    scaled = leading.numpy() / max(float(leading[:, 0].std()), 1e-12)
    start = 1e-4 * np.pad(scaled, ((0, 0), (0, 2)))[:, :2]
    xy = TSNE(2, perplexity=perplexity, init=start, random_state=state, max_iter=500, n_jobs=1).fit_transform(scaled)
    method = f"t-SNE (perplexity {perplexity:.3g}) of {leading.shape[1]} principal components of L2-normalised embeddings"
    return Map(_unit(xy.astype(np.float64)), method)


def _unit(xy: NDArray[np.float64]) -> NDArray[np.float64]:
    """Into the unit square, one scale for both axes."""
    span = max(float(np.ptp(xy, axis=0).max()), 1e-12) if len(xy) else 1.0
    return (xy - xy.min(0)) / span if len(xy) else xy
