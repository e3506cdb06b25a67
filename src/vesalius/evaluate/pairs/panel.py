"""The encoders and data sets of one evaluation, opened when they are needed: every pair of them, and the baselines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from vesalius.data.dataset import DataSet, open_data
from vesalius.data.plan import Plan
from vesalius.data.record_store import RecordStore
from vesalius.data.settings import StoreSettings
from vesalius.data.table import SampleTable
from vesalius.encoders.build import build_encoder
from vesalius.encoders.encoder import Card, Encoder
from vesalius.evaluate.facts import labelled_facts
from vesalius.evaluate.pairs.examinee import EncoderExaminee, Examinee
from vesalius.evaluate.pairs.pair import Pair
from vesalius.evaluate.pairs.pixels import PixelExaminee
from vesalius.evaluate.pairs.shelf import Shelf
from vesalius.features.records import store_for
from vesalius.terminal import Terminal

if TYPE_CHECKING:
    from vesalius.evaluate.asked import Asked

RANDOM, PIXELS = "random init", "pixel PCA"
UNTRAINED = "random initialisation"
"""What the card of an encoder without training says it was trained on."""


@dataclass(eq=False)
class Panel:
    """``encoders`` and ``tables`` (split, with their task) by name, in the order they were asked for. ``pictures``: tables of the few
    images that are looked at, by the name of their data set. ``examinees``: these encoders and
    every baseline that a protocol asked for.
    """

    encoders: Sequence[EncoderExaminee]
    tables: Mapping[str, SampleTable]
    shelf: Shelf
    terminal: Terminal
    seed: int
    max_bad_share: float = 0.05
    pictures: Mapping[str, SampleTable] = field(default_factory=dict)
    examinees: dict[str, Examinee] = field(default_factory=dict)
    _stores: dict[tuple[str, bool, StoreSettings | Plan], RecordStore] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.examinees |= {one.name: one for one in self.encoders}

    def pairs(self, asked: Asked, baselines: Sequence[str] = (), *, pictures: bool = False) -> Iterator[Pair]:
        """Each encoder, then each of ``baselines`` (``random init``: a twin of each architecture without training; ``pixel PCA``), on each
        data set, or on the few images of each that are looked at.
        """
        for examinee in (*self.encoders, *self.baselines(baselines)):
            for name in self.pictures if pictures else self.tables:
                yield self.pair(examinee, name, asked, pictures=pictures)

    def pair(self, examinee: Examinee, name: str, asked: Asked, *, pictures: bool = False) -> Pair:
        """``examinee`` on the data set ``name``, whose images are stored as it needs them."""
        return Pair(examinee, self.data(name, examinee, pictures=pictures), name, asked)

    def data(self, name: str, examinee: Examinee, *, pictures: bool = False) -> DataSet:
        """The data set with the store that ``examinee`` reads."""
        table = (self.pictures if pictures else self.tables)[name]
        settings = store_for(examinee.card, table)
        key = name, pictures, settings
        if key not in self._stores:
            self._stores[key] = open_data(name, table, settings, self.terminal, max_bad_share=self.max_bad_share).store
        return DataSet(name, table, self._stores[key])

    def baselines(self, which: Sequence[str]) -> list[Examinee]:
        """The baselines of these names; they are made once."""
        found: list[Examinee] = []
        if RANDOM in which:
            found += self._twins()
        if PIXELS in which:
            first = self.encoders[0]
            found.append(self.examinees.setdefault(PIXELS, PixelExaminee(PIXELS, first.card)))
        return found

    def sets(self) -> dict[str, DataSet | SampleTable]:
        """Each data set by name, and each whose images are looked at; with the store that the first encoder reads where it was opened."""
        found: dict[str, DataSet | SampleTable] = {**{f"images of {name}": table for name, table in self.pictures.items()}, **self.tables}
        for (name, pictures, settings), store in self._stores.items():
            table = (self.pictures if pictures else self.tables)[name]
            if settings == store_for(self.encoders[0].card, table):
                found[f"images of {name}" if pictures else name] = DataSet(name, table, store)
        return found

    def given(self) -> dict[str, Encoder]:
        """The encoders that were asked for, by name."""
        return {one.name: one.encoder for one in self.encoders}

    def facts(self) -> dict[str, Any]:
        """``encoders`` and ``data`` of results.json: what was examined, and on what."""
        opened = {name: DataSet(name, self.tables[name], store) for (name, pictures, _), store in self._stores.items() if not pictures}
        return {
            "encoders": [dict(one.facts()) for one in self.examinees.values()],
            "data": [{**labelled_facts(data), "name": name} for name, data in opened.items() if data.table.task is not None],
        }

    def _twins(self) -> list[Examinee]:
        """One encoder without training for each architecture, with the weights of the evaluation's seed."""
        each: dict[str, EncoderExaminee] = {}
        for one in self.encoders:
            if one.card.trained_on != UNTRAINED:
                each.setdefault(f"{one.card.architecture} {sorted(one.card.options.items())} {one.card.channels} {one.card.size}", one)
        found: list[Examinee] = []
        for one in each.values():
            name = RANDOM if len(each) == 1 else f"{RANDOM} {one.name}"
            if name not in self.examinees:
                self.examinees[name] = EncoderExaminee(name, "", partial(_twin, one.card, self.seed), self.shelf, baseline=True)
            found.append(self.examinees[name])
        return found


def _twin(card: Card, seed: int) -> Encoder:
    """The network of ``card`` with random weights; images are prepared for it as for the trained one."""
    twin = build_encoder(card.architecture, channels=card.channels, size=card.size, seed=seed, **card.options)
    kept = {name: getattr(card, name) for name in ("preprocessing", "mean", "std", "window", "plan")}
    twin.card = twin.card.model_copy(update=kept)
    return twin
