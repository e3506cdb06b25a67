"""What is examined by its frozen features: an encoder, or the pixels themselves as a baseline."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from vesalius.data.dataset import DataSet
from vesalius.encoders.encoder import Encoder
from vesalius.errors import UserError
from vesalius.features.one_pass import identity

if TYPE_CHECKING:
    import numpy as np

    from vesalius.evaluate.asked import Asked


class Examinee(ABC):
    """Something that makes vectors of images. ``name``: short, of letters, digits, ``.``, ``_``, ``-`` and ``@``: its folder and its
    row in every table. ``baseline``: whether it is only there to be compared with.
    """

    name: str
    baseline: bool
    reads: Encoder
    """Whose card says how images are stored and prepared."""

    @property
    @abstractmethod
    def key(self) -> str:
        """Everything its features depend on."""

    @abstractmethod
    def features(self, data: DataSet, rows: NDArray[np.int64], layer: str, asked: Asked) -> Float[Tensor, "samples dim"]:
        """Float32 vectors of records ``rows``, on the device."""

    def maps(self, data: DataSet, rows: NDArray[np.int64], asked: Asked) -> Float[Tensor, "samples dim *spatial"]:
        """Feature maps of records ``rows``. Raises UserError where there are none."""
        raise UserError(f"{self.name} has no feature maps. Leave it out of protocols that read them.")

    @abstractmethod
    def facts(self) -> Mapping[str, Any]:
        """For the results: ``name``, ``title``, ``architecture``, ``trained_on``, ``weights``, ``dim``, ``size``, ``baseline``."""


class EncoderExaminee(Examinee):
    """An encoder in evaluation mode. ``reference``: what the user named it by, for verbs that open it again."""

    def __init__(self, name: str, reference: str, encoder: Encoder, *, baseline: bool = False) -> None:
        self.name, self.reference, self.encoder, self.baseline = name, reference, encoder.eval(), baseline
        self.reads = self.encoder

    @cached_property
    def key(self) -> str:
        """See ``Examinee``."""
        return repr(identity(self.encoder))

    def features(self, data: DataSet, rows: NDArray[np.int64], layer: str, asked: Asked) -> Float[Tensor, "samples dim"]:
        """See ``Examinee``: from the feature cache, or by one pass."""
        from vesalius.features import compute

        with asked.terminal.bar(f"{self.name} on {data.public}", "images") as progress:
            found = compute(
                self.encoder, data.store, rows, layer=layer, batch_size=asked.batch_size, device=asked.device, autocast=asked.autocast, progress=progress
            )
        return found.vectors.to(asked.device)

    def facts(self) -> Mapping[str, Any]:
        """See ``Examinee``."""
        card = self.encoder.card
        return {
            "name": self.name,
            "title": self.name,
            "architecture": card.architecture,
            "trained_on": card.trained_on,
            "weights": card.weights,
            "dim": card.dim,
            "size": list(card.size),
            "licence": card.licence,
            "notes": list(card.notes),
            "baseline": self.baseline,
        }


def slug(reference: str) -> str:
    """A name for folders and tables: the last part of a path, other signs than letters, digits, ``.``, ``_``, ``-`` as ``-``."""
    last = reference.rstrip("/").rpartition("/")[2] or reference
    return re.sub(r"[^\w.@-]+", "-", last).strip("-.") or "encoder"
