"""What is done to images to see how much a model minds: seven perturbations, five strengths each.

Each is an operation of views with fixed parameters; what is left to chance (where noise falls, which way a gamma goes) is a
pure function of the seed and the sample's id, so that every model sees the same disturbed images.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vesalius import random
from vesalius.views.operation import Chance, Parameters, Pixelwise
from vesalius.views.recipe import known

Step = Mapping[str, Mapping[str, Any]]
"""An operation as a views recipe writes it."""


@dataclass(frozen=True)
class Perturbation:
    """``strengths`` in units that ``measure`` names; ``made`` gives a strength's alternatives, of which each image has one, for images
    (2) or volumes (3).
    """

    name: str
    measure: str
    strengths: tuple[float, ...]
    made: Callable[[float, int], tuple[Step, ...]]

    @property
    def title(self) -> str:
        """The name as a person writes it."""
        return self.name.replace("_", " ")

    def steps(self, strength: float, dims: int) -> tuple[Step, ...]:
        """The alternatives of ``strength`` for images of ``dims`` axes."""
        return self.made(strength, dims)

    def which(self, ids: NDArray[np.uint64], seed: int) -> NDArray[np.int64]:
        """``(N,)``: the alternative of each sample, the same at every strength."""
        count = len(self.steps(self.strengths[0], 2))
        drawn = random.uniform(seed, 0, ids, f"robustness/{self.name}", 1)[:, 0]
        chosen: NDArray[np.int64] = np.floor(drawn * count).astype(np.int64)
        return chosen

    def facts(self) -> dict[str, Any]:
        """For the results."""
        return {"name": self.name, "title": self.title, "measure": self.measure, "strengths": list(self.strengths)}


def _one(name: str, parameter: str) -> Callable[[float, int], tuple[Step, ...]]:
    return lambda strength, dims: ({name: {"p": 1.0, parameter: [strength, strength]}},)


def _both(name: str, parameter: str) -> Callable[[float, int], tuple[Step, ...]]:
    """As strong, or as weak: half of the images each."""
    return lambda strength, dims: tuple({name: {"p": 1.0, parameter: [s, s]}} for s in (strength, 1 / strength))


def _bias(strength: float, dims: int) -> tuple[Step, ...]:
    return ({"bias_field": {"p": 1.0, "strength": strength}},)


def _motion(strength: float, dims: int) -> tuple[Step, ...]:
    return ({"motion": {"p": 1.0, "strength": [strength, strength], "ghosts": [2, 4]}},)


def _contrast(strength: float, dims: int) -> tuple[Step, ...]:
    made = _both("contrast", "factor") if dims == 3 else _both("colour_jitter", "contrast")
    return made(strength, dims)


ALL: tuple[Perturbation, ...] = (
    Perturbation("noise", "standard deviation, black to white being 1", (0.02, 0.05, 0.1, 0.15, 0.25), _one("noise", "std")),
    Perturbation("blur", "standard deviation in pixels or voxels", (0.5, 0.75, 1.0, 1.5, 2.0), _one("gaussian_blur", "sigma")),
    Perturbation("low_resolution", "times coarser along each axis", (1.25, 1.5, 2.0, 3.0, 4.0), _one("low_resolution", "factor")),
    Perturbation("bias_field", "largest logarithm of the factor", (0.1, 0.2, 0.35, 0.5, 0.7), _bias),
    Perturbation("gamma", "exponent, or one over it", (1.2, 1.5, 2.0, 2.5, 3.0), _both("gamma", "scale")),
    Perturbation("contrast", "factor around the mean, or one over it", (1.2, 1.5, 2.0, 2.5, 3.0), _contrast),
    Perturbation("motion", "share by which each second to fourth line of k-space is weakened", (0.2, 0.4, 0.6, 0.8, 1.0), _motion),
)
"""Strengths grow from what is hardly seen; 0, the image as it is, stands before them."""


def named(names: tuple[str, ...]) -> tuple[Perturbation, ...]:
    """Those of ``names``, in their own order; a name is one of ``ALL``."""
    return tuple(one for one in ALL if one.name in names)


def disturbed(volume: Tensor, step: Step, sample: int, seed: int) -> Tensor:
    """``volume`` (C, *size), values in [0, 1], with ``step`` done to the whole of it; a new tensor on its device.

    Draws as ``Views`` draw for the first operation of a group ``image``.
    """
    ((name, fields),) = step.items()
    operation = known()[name].model_validate(dict(fields))
    assert isinstance(operation, Pixelwise)
    chance = Chance(seed, 0, np.array([sample], np.uint64), f"image/0-{name}")
    drawn = operation.draw(chance, volume.shape[0], tuple(volume.shape[1:]))
    values = operation.prepare(drawn, volume.shape[0])
    with torch.no_grad():
        return operation.change(volume[None].clone(), Parameters.of(values, volume.device, volume.ndim - 1))[0]
