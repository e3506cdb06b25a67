"""What an input says of each candidate, in the three shapes that strategies understand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vesalius.errors import UserError
from vesalius.select.candidates import Objects


@dataclass(frozen=True)
class Vectors:
    """Embeddings: ``of_images`` (N, D), or ``objects`` where a task was named; ``query`` (Q, D) of the images to be like, where some were."""

    of_images: NDArray[Any] | None = None
    objects: Objects | None = None
    query: NDArray[Any] | None = None

    def whole(self, strategy: str) -> NDArray[Any]:
        """``of_images``. Raises UserError where there are objects instead, which ``strategy`` cannot use."""
        if self.of_images is None:
            raise UserError(f"{strategy} works on the embeddings of whole images, not of objects. Leave `task` out of its input.")
        return self.of_images


@dataclass(frozen=True)
class Numbers:
    """``values`` (N,) float64, NaN where nothing is known. ``title`` for reasons and reports: ``metadata lightly.sharpness``."""

    values: NDArray[np.float64]
    title: str


@dataclass(frozen=True)
class Classes:
    """``amounts`` (N, C) float64, at least 0: how much of each class of ``names`` an image holds (a one, a share, or a count of objects)."""

    names: Sequence[str]
    amounts: NDArray[np.float64]
    title: str
    notes: Mapping[str, Any] = field(default_factory=dict)


Values = Vectors | Numbers | Classes
