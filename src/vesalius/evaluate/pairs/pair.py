"""One encoder on one data set: what the protocols of frozen features examine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Float, UInt8
from numpy.typing import NDArray
from torch import Tensor

from vesalius.data.dataset import DataSet
from vesalius.data.task import TaskSpec
from vesalius.encoders.encoder import Encoder
from vesalius.errors import UserError
from vesalius.evaluate.labelled import SPLITS, measured_kind
from vesalius.evaluate.pairs.examinee import Examinee
from vesalius.features.inputs import inputs, shown
from vesalius.features.mapped import Mapped
from vesalius.measures import bootstrap
from vesalius.measures.metrics import Kind

if TYPE_CHECKING:
    import pandas as pd

    from vesalius.evaluate.asked import Asked


FEW = 3
"""Images below which a mean over them has no interval worth showing."""


@dataclass(frozen=True, eq=False)
class Split:
    """The labelled samples of one part: ``rows`` (n,) records of the store, ``labels`` (n,) class numbers or (n, L) with NaN,
    ``subject`` (n,) numbers that are the same in all parts (a sample of unknown subject is its own), ``ids`` (n,), ``frame``: their rows of the table.
    """

    name: str
    rows: NDArray[np.int64]
    labels: Float[Tensor, "samples ..."]
    subject: NDArray[np.int64]
    ids: NDArray[np.uint64]
    frame: pd.DataFrame

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def groups(self) -> NDArray[np.int64]:
        """``subject`` numbered from 0 within this part, in order of appearance: what ``measures.bootstrap`` takes."""
        _, first, number = np.unique(self.subject, return_index=True, return_inverse=True)
        return np.argsort(np.argsort(first))[number]


class Pair:
    """``encoder`` (an ``Examinee``) on ``data``, named ``dataset`` as results call it."""

    def __init__(self, encoder: Examinee, data: DataSet, dataset: str, asked: Asked) -> None:
        self.encoder, self.data, self.dataset, self.asked = encoder, data, dataset, asked
        self._splits: dict[str, Split] = {}

    @cached_property
    def task(self) -> TaskSpec:
        """The task of the data. Raises UserError where nothing is labelled."""
        return self.data.table.require_task()

    @property
    def kind(self) -> Kind:
        """The task as the measures know it: classes (ordinal ones too), binary or multilabel."""
        return measured_kind(self.task)

    @property
    def classes(self) -> int:
        """How many classes, or labels of a multi-label task: the outputs of every answer."""
        return len(self.task.classes)

    def split(self, name: str) -> Split:
        """The labelled samples of ``train``, ``val`` or ``test``, or of ``all`` three, then in the table's order. ``images``: every sample,
        labelled or not, in the order of their ids and with labels NaN. Raises UserError where there are none.
        """
        if name not in self._splits:
            self._splits[name] = self._split(name)
        return self._splits[name]

    def features(self, name: str, layer: str = "pooled") -> Float[Tensor, "samples dim"]:
        """Float32 features of ``split(name)``, on the device; each image is forwarded once, whatever asks for it."""
        return self.encoder.features(self.data, self.split(name).rows, layer, self.asked)

    def maps(self, name: str) -> Mapped:
        """The encoder's feature maps (n, dim, *spatial) of ``split(name)`` in half precision, left on disk: ``maps[rows]`` reads some.

        Raises UserError where the examinee has none (pixels, volumes read as several tiles).
        """
        return self.encoder.maps(self.data, self.split(name).rows, self.asked)

    def inputs(self, name: str, encoder: Encoder | None = None) -> Float[Tensor, "samples channels *size"]:
        """``split(name)`` as the encoder takes it, in [0, 1], on the device; all at once, for the few images that are looked at.

        ``encoder``: one of another size (``encoders.resizing.resized``) in place of the pair's own.
        """
        return inputs(encoder or self.encoder.card, self.data.store, self.split(name).rows, self.asked.device)

    def shown(self, name: str) -> UInt8[np.ndarray, "samples height width 3"]:
        """The same pixels for a person: in the same places, their values as they are stored."""
        return shown(self.encoder.card, self.data.store, self.split(name).rows)

    def replicated(self, each: Float[Tensor, "measures images"]) -> Float[Tensor, "measures replicates"] | None:
        """The means of ``each`` over ``split("images")`` in the bootstrap's replicates of its subjects; None of so few images that an interval would
        say nothing.
        """
        if each.shape[1] < FEW:
            return None
        blocks = [weights.double() for weights in bootstrap.weights(self.split("images").groups, self.asked.replicates, self.asked.seed)]
        return torch.cat([(each @ weights) / weights.sum(0) for weights in blocks], 1)

    def folder(self, protocol: str) -> Path:
        """Where in the run pictures of this pair stand: ``PROTOCOL/ENCODER/DATASET``; made where it is not there."""
        found = self.asked.run.path / protocol / self.encoder.name / self.dataset
        found.mkdir(parents=True, exist_ok=True)
        return found

    @cached_property
    def _subject(self) -> NDArray[np.int64]:
        return bootstrap.groups(self.data.table.subjects, len(self.data.table))

    def _split(self, name: str) -> Split:
        if name == "images":
            return self._images()
        rows = self.data.rows(name) if name != "all" else np.concatenate([self.data.rows(part) for part in SPLITS])
        if name == "all":
            rows = rows[np.argsort(self.data.table_rows(rows))]
        known = self.data.labels(rows)
        columns = [known[label] for label in self.task.labels]
        labels = torch.stack(columns, 1) if self.task.kind == "multilabel" else columns[0]
        keep = (~labels.isnan() if labels.ndim == 1 else ~labels.isnan().all(1)).numpy()
        if not keep.any():
            raise UserError(
                f"{self.dataset} has no {'' if name == 'all' else f'{name} '}sample with a known label of {self.task.name!r}, so that nothing can be "
                f"{'scored' if name == 'test' else 'fitted' if name == 'train' else 'chosen'}. Label some, or give shares with --split.val and --split.test."
            )
        rows, labels = rows[keep], labels[torch.from_numpy(keep)]
        at = self.data.table_rows(rows)
        return Split(name, rows, labels, self._subject[at], self.data.store.ids[rows], self.data.table.frame.iloc[at])

    def _images(self) -> Split:
        rows = self.data.rows()
        if not len(rows):
            raise UserError(f"{self.dataset} has no image that can be read. Look at it with `vesalius data check`.")
        rows = rows[np.argsort(self.data.store.ids[rows])]
        at = self.data.table_rows(rows)
        return Split("images", rows, torch.full((len(rows),), torch.nan), self._subject[at], self.data.store.ids[rows], self.data.table.frame.iloc[at])

    @property
    def key(self) -> str:
        """Everything a cell of this pair depends on beside the protocol's fields."""
        return self._keyed([self.split(name).ids.tobytes() + self.split(name).labels.numpy().tobytes() for name in SPLITS if len(self.data.rows(name))])

    @property
    def key_of_images(self) -> str:
        """The same for what looks at no label and no split."""
        return self._keyed([self.split("images").ids.tobytes()])

    def _keyed(self, ids: Sequence[bytes]) -> str:
        state = blake2b(digest_size=16)
        for part in (self.encoder.key.encode(), self.asked.precision.encode(), self.data.table.fingerprint().encode(), *ids):
            state.update(part)
        return state.hexdigest()
