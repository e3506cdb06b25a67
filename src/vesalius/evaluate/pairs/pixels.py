"""Pixels as vectors: what any encoder has to be better than."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from vesalius import random
from vesalius.data.dataset import DataSet
from vesalius.encoders.encoder import Card
from vesalius.evaluate.pairs.examinee import Examinee
from vesalius.features.one_pass import at_once, evaluation_views
from vesalius.measures import pca
from vesalius.measures.pca import PCA
from vesalius.views.drawing import drawn

if TYPE_CHECKING:
    from vesalius.evaluate.asked import Asked

_COMPONENTS, _PIXELS, _VOXELS = 128, 32, 8
_FITTED_TO = 20_000
"""Images that the components are fitted to at most; more do not change them, and would not fit into memory."""


class PixelExaminee(Examinee):
    """Principal components, fitted to the training part, of what an encoder with ``card`` sees, averaged down to 32 pixels (of volumes
    8 voxels) a side.
    """

    baseline = True

    def __init__(self, name: str, card: Card) -> None:
        self.name, self.card = name, card
        self.key = f"pixels {_COMPONENTS} {_PIXELS} {_VOXELS} {evaluation_views(card).config()}"
        self._components: dict[str, PCA] = {}
        self._known: dict[tuple[str, bytes], Tensor] = {}

    def features(self, data: DataSet, rows: NDArray[np.int64], layer: str, asked: Asked) -> Float[Tensor, "samples dim"]:
        """See ``Examinee``; ``layer`` means nothing here."""
        key = data.name, blake2b(rows.tobytes()).digest()
        if key not in self._known:
            components = self._fitted(data, rows, asked)
            parts = [components(part) for part in small(self.card, data, rows, asked.device)]
            self._known[key] = torch.cat(parts).float()
        return self._known[key].to(asked.device)

    def facts(self) -> Mapping[str, Any]:
        """See ``Examinee``."""
        return {"name": self.name, "title": self.name, "architecture": "principal components of pixels", "dim": _COMPONENTS, "baseline": True}

    def _fitted(self, data: DataSet, rows: NDArray[np.int64], asked: Asked) -> PCA:
        if data.name not in self._components:
            train = data.rows("train")
            base = train if len(train) else rows
            if len(base) > _FITTED_TO:
                base = np.sort(random.generator("pixel components", asked.seed).choice(base, _FITTED_TO, replace=False))
            self._components[data.name] = pca.fit(torch.cat(list(small(self.card, data, base, asked.device))), _COMPONENTS, seed=asked.seed)
        return self._components[data.name]


def small(card: Card, data: DataSet, rows: NDArray[np.int64], device: torch.device) -> Iterator[Tensor]:
    """Parts (n, C, h, w), on the CPU: what an encoder sees, averaged down to at most 32 pixels a side; of volumes (n, C, V, x, y, z), each
    tile down to at most 8 voxels a side.
    """
    views = evaluation_views(card)
    group, (_, size) = next(iter(views.makes.items()))
    side = tuple(min(_PIXELS if views.dims == 2 else _VOXELS, s) for s in size)
    pool: Any = F.adaptive_avg_pool2d if views.dims == 2 else F.adaptive_avg_pool3d
    at_a_time = at_once(views, 512)
    for start in range(0, len(rows), at_a_time):
        some = rows[start : start + at_a_time]
        draws = drawn(views, data.store, some)
        made = views.apply(data.store.read(draws.rows, draws.windows).to(device), draws).views[group]
        shrunk: Tensor = pool(made.flatten(0, 1), side)
        shrunk = shrunk.view(*made.shape[:2], *shrunk.shape[1:]).cpu()
        yield shrunk[0] if len(shrunk) == 1 else shrunk.movedim(0, 2)
