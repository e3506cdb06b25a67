"""Pixels as vectors: what any encoder has to be better than."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from vesalius.data.dataset import DataSet
from vesalius.encoders.encoder import Encoder
from vesalius.evaluate.examinee import Examinee
from vesalius.features.one_pass import at_once, evaluation_views
from vesalius.measures import pca
from vesalius.views.drawing import drawn

if TYPE_CHECKING:
    import numpy as np

    from vesalius.evaluate.asked import Asked

_COMPONENTS, _PIXELS, _VOXELS = 128, 32, 8


class PixelExaminee(Examinee):
    """Principal components, fitted to the training part, of what ``like`` sees, averaged down to 32 pixels (of volumes 8 voxels) a side."""

    baseline = True

    def __init__(self, name: str, like: Encoder) -> None:
        self.name, self.reads = name, like
        self._components: dict[str, Any] = {}

    @property
    def key(self) -> str:
        """See ``Examinee``."""
        return f"pixels {_COMPONENTS} {_PIXELS} {_VOXELS} {evaluation_views(self.reads).config()}"

    def features(self, data: DataSet, rows: NDArray[np.int64], layer: str, asked: Asked) -> Float[Tensor, "samples dim"]:
        """See ``Examinee``; ``layer`` means nothing here."""
        if data.name not in self._components:
            train = data.rows("train")
            base = train if len(train) else rows
            self._components[data.name] = pca.fit(small(self.reads, data, base, asked.device), _COMPONENTS, seed=asked.seed)
        found: Tensor = self._components[data.name](small(self.reads, data, rows, asked.device))
        return found.float().to(asked.device)

    def facts(self) -> Mapping[str, Any]:
        """See ``Examinee``."""
        return {"name": self.name, "title": self.name, "architecture": "principal components of pixels", "dim": _COMPONENTS, "baseline": True}


def small(encoder: Encoder, data: DataSet, rows: NDArray[np.int64], device: torch.device) -> Tensor:
    """(n, C, h, w): what ``encoder`` sees, averaged down to at most 32 pixels a side; of volumes (n, C, V, x, y, z), each tile
    down to at most 8 voxels a side. On the CPU.
    """
    views = evaluation_views(encoder)
    group, (_, size) = next(iter(views.makes.items()))
    side = tuple(min(_PIXELS if views.dims == 2 else _VOXELS, s) for s in size)
    pool: Any = torch.nn.functional.adaptive_avg_pool2d if views.dims == 2 else torch.nn.functional.adaptive_avg_pool3d
    at_a_time, parts = at_once(views, 512), []
    for start in range(0, len(rows), at_a_time):
        some = rows[start : start + at_a_time]
        draws = drawn(views, data.store, some)
        made = views.apply(data.store.read(draws.rows, draws.windows).to(device), draws).views[group]
        shrunk: Tensor = pool(made.flatten(0, 1), side)
        shrunk = shrunk.view(*made.shape[:2], *shrunk.shape[1:]).cpu()
        parts.append(shrunk[0] if len(shrunk) == 1 else shrunk.movedim(0, 2))
    return torch.cat(parts)
