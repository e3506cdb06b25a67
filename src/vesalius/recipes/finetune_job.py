"""A fine-tuning made ready: labelled images, the encoder as it is given, and what is known of each image."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from vesalius.data.dataset import DataSet
from vesalius.data.task import TaskSpec
from vesalius.encoders.encoder import Encoder
from vesalius.errors import UserError
from vesalius.recipes.compat import classifier_sentences
from vesalius.recipes.finetune_config import FinetuneConfig
from vesalius.recipes.labelled_material import given_encoder, load_labelled, open_labelled, training_views
from vesalius.tasks import labels
from vesalius.tasks.validation import Validation
from vesalius.terminal import Terminal

SPLITS = ("train", "val", "test")


@dataclass(frozen=True)
class Job:
    """Labelled images, the encoder as it is given, its features of them, and what is known of them, by split."""

    config: FinetuneConfig
    data: DataSet
    encoder: Encoder
    rows: Mapping[str, NDArray[np.int64]]
    labels: Mapping[str, Tensor]
    warnings: list[str]
    seconds: float

    @property
    def task(self) -> TaskSpec:
        """What is predicted."""
        return self.data.table.require_task()

    @property
    def learnt(self) -> NDArray[np.int64]:
        """``(n,)`` the training records with a label."""
        rows: NDArray[np.int64] = self.rows["train"][labels.known(self.labels["train"]).numpy()]
        return rows


def prepare(config: FinetuneConfig, terminal: Terminal) -> Job:
    """Everything that can refuse the user's input, before a run is made."""
    began = time.perf_counter()
    table = load_labelled(config, terminal)
    encoder = given_encoder(config, table)
    data = open_labelled(config, table, encoder, terminal)
    task = table.require_task()
    rows = {split: data.rows(split) for split in SPLITS}
    known = {split: labels.stacked(data.labels(r), task) for split, r in rows.items()}
    warnings = [*classifier_sentences(config.compat, frozen=config.encoder.freeze), *table.warnings, *labels.check(task, known)]
    if config.balanced and task.kind == "regression":
        raise UserError(f"balanced weighs classes, and {task.name!r} is a regression. Leave --balanced out.")
    Validation(task, config.metric, config.patience, known["val"])  # an unknown metric is refused here
    job = Job(config, data, encoder, rows, known, warnings, time.perf_counter() - began)
    if not config.encoder.freeze:
        training_views(config, encoder)
    terminal.say(
        f"{len(job.learnt):,} labelled training, {len(rows['val']):,} validation and {len(rows['test']):,} test images of {data.name}; "
        f"{task.name} ({task.kind}{': ' + _first(task.classes) if task.classes else ''})."
    )
    if encoder.loaded is not None:
        terminal.say(f"The encoder is {encoder.card.architecture}: {encoder.loaded.sentence()}.")
    for warning in warnings:
        terminal.say(warning)
    return job


def _first(classes: Sequence[str]) -> str:
    """Up to a dozen names, and how many more there are."""
    return ", ".join(classes) if len(classes) <= 12 else f"{', '.join(classes[:10])} and {len(classes) - 10} more"
