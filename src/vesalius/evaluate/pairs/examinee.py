"""What is examined by its frozen features: an encoder, or the pixels themselves as a baseline."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any

from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from vesalius.data.dataset import DataSet
from vesalius.encoders.encoder import Card, Encoder
from vesalius.encoders.saving import weights_hash
from vesalius.errors import UserError
from vesalius.evaluate.pairs.shelf import Shelf
from vesalius.features.mapped import Mapped
from vesalius.features.one_pass import evaluation_views, identity

if TYPE_CHECKING:
    import numpy as np

    from vesalius.evaluate.asked import Asked


class Examinee(ABC):
    """Something that makes vectors of images. ``name``: short, of letters, digits, ``.``, ``_``, ``-`` and ``@``: its folder and its
    row in every table. ``baseline``: whether it is only there to be compared with.
    """

    name: str
    baseline: bool
    card: Card
    """Which says how images are stored and prepared for it."""
    key: str
    """Everything its features depend on."""

    @abstractmethod
    def features(self, data: DataSet, rows: NDArray[np.int64], layer: str, asked: Asked) -> Float[Tensor, "samples dim"]:
        """Float32 vectors of records ``rows``, on the device."""

    def maps(self, data: DataSet, rows: NDArray[np.int64], asked: Asked) -> Mapped:
        """Feature maps (n, dim, *spatial) of records ``rows`` in half precision, left on disk: ``maps[rows]`` reads some.

        Raises UserError where there are none.
        """
        raise UserError(f"{self.name} has no feature maps. Leave it out of protocols that read them.")

    @abstractmethod
    def facts(self) -> Mapping[str, Any]:
        """For the results: ``name``, ``title``, ``architecture``, ``trained_on``, ``weights``, ``dim``, ``size``, ``baseline``."""


class EncoderExaminee(Examinee):
    """An encoder in evaluation mode. ``reference``: what the user named it by, for verbs that open it again; ``size``: another size of
    view than the card's, in pixels a side. ``load`` opens it: it is held only as long as the ``shelf`` has room for it.
    """

    def __init__(
        self, name: str, reference: str, load: Callable[[], Encoder], shelf: Shelf, *, size: int | None = None, baseline: bool = False
    ) -> None:
        self.name, self.reference, self.size, self.baseline = name, reference, size, baseline
        self._load, self._shelf = load, shelf
        first = self.encoder
        self.card = first.card
        self.hash = weights_hash(first)
        self.card = self.card.model_copy(update={"weights": self.hash})
        self.key = repr((self.hash, *identity(first)[1:]))

    @property
    def encoder(self) -> Encoder:
        """The encoder, loaded where it is not at hand."""
        return self._shelf.taken(self.name, self._load)

    def features(self, data: DataSet, rows: NDArray[np.int64], layer: str, asked: Asked) -> Float[Tensor, "samples dim"]:
        """See ``Examinee``: from the feature cache, or by one pass. Raises UserError for features that are no numbers."""
        from vesalius.features import compute

        if asked.maps and layer == "pooled" and next(iter(evaluation_views(self.card).makes.values()))[0] == 1:
            self.maps(data, rows, asked)  # of one pass, as another protocol of this evaluation reads maps
        with asked.terminal.bar(f"{self.name} on {data.public}", "images") as progress:
            vectors = compute(
                self.encoder,
                data.store,
                rows,
                layer=layer,
                batch_size=asked.batch_size,
                device=asked.device,
                autocast=asked.autocast,
                progress=progress,
                half=asked.half,
                weights=self.hash,
            ).vectors
        wrong = int((~vectors.isfinite()).any(1).sum())
        if wrong:
            raise UserError(
                f"{self.name} makes features that are not finite of {wrong:,} of {len(vectors):,} images of {data.public}, so nothing can be measured. "
                + ("Its weights are damaged: get them again." if asked.autocast is None else "They overflow or are damaged: evaluate with --precision fp32.")
            )
        return vectors.to(asked.device)

    def maps(self, data: DataSet, rows: NDArray[np.int64], asked: Asked) -> Mapped:
        """See ``Examinee``."""
        from vesalius.features import maps

        with asked.terminal.bar(f"maps of {self.name} on {data.public}", "images") as progress:
            return maps(
                self.encoder,
                data.store,
                rows,
                batch_size=asked.batch_size,
                device=asked.device,
                autocast=asked.autocast,
                progress=progress,
                half=asked.half,
                weights=self.hash,
            )

    def facts(self) -> Mapping[str, Any]:
        """See ``Examinee``."""
        card = self.card
        return {
            "name": self.name,
            "title": self.name,
            "architecture": card.architecture,
            "trained_on": card.trained_on,
            "weights": self.hash,
            "dim": card.dim,
            "size": list(card.size),
            "licence": card.licence,
            "imagenet_top1": card.imagenet_top1,
            "notes": list(card.notes),
            "baseline": self.baseline,
        }


def free(name: str, taken: Collection[str]) -> str:
    """``name``, or with a number behind it where that is taken."""
    return name if name not in taken else next(one for n in range(2, len(taken) + 3) if (one := f"{name}-{n}") not in taken)


def slug(reference: str) -> str:
    """A name for folders and tables: the last part of a path, other signs than letters, digits, ``.``, ``_``, ``-`` as ``-``."""
    last = reference.rstrip("/").rpartition("/")[2] or reference
    return re.sub(r"[^\w.@-]+", "-", last).strip("-.") or "encoder"
