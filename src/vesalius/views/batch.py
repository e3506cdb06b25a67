"""What passes between the store, the views and a method: windows of pixels, drawn numbers, named groups of views."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Float, Int, Integer
from numpy.typing import NDArray
from torch import Tensor


@dataclass(frozen=True)
class Draws:
    """Every random number of a batch, on the host. Made by ``Views.draw`` or by hand (replay, invariances).

    ``rows`` (B, R): records to read; R > 1 for overlapping crops or a partner to mix in.
    ``windows`` (B, R, 2, dims): start and stop of each window in stored pixels or voxels.
    ``values``: the parameters of each operation, keyed ``group/operation index/parameter``, each (V, B, ...).
    """

    rows: NDArray[np.int64]
    windows: NDArray[np.int64]
    values: Mapping[str, NDArray[Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class Batch:
    """What a method sees, on the device.

    ``views``: name -> (V, B, C, *size), float in [0, 1] (before a recipe's normalisation).
    ``drawn``: what a loss may ask for (``keep``, ``hide``, ``holes``, ``rotation``, ``affine``), each (V, B, ...).
    ``ids`` (B,): sample ids, reinterpreted as int64. ``target``: labels by name, empty in pretraining. ``masks``: name ->
    (V, B, *size), the label of each pixel or voxel of a group's views, where the data have them.
    """

    views: Mapping[str, Float[Tensor, "views batch channel *size"]]
    drawn: Mapping[str, Tensor]
    ids: Int[Tensor, " batch"]
    target: Mapping[str, Tensor] = field(default_factory=dict)
    masks: Mapping[str, Integer[Tensor, "views batch *size"]] = field(default_factory=dict)
