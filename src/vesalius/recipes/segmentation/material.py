"""From a recipe of segmentation to its labelled volumes, its encoder as it is given, and its training views."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vesalius import random, views
from vesalius.data.dataset import DataSet, divide, open_data, resolve
from vesalius.data.plan import Plan
from vesalius.data.planning import MULTIPLE
from vesalius.data.table import SampleTable
from vesalius.data.task import TaskSpec
from vesalius.encoders import build_encoder, load_encoder
from vesalius.encoders.build import check_size
from vesalius.encoders.encoder import Encoder
from vesalius.errors import UserError
from vesalius.recipes.segmentation.compat import sentences
from vesalius.recipes.segmentation.config import SegmentationConfig
from vesalius.recipes.segmentation.labels import check_labels
from vesalius.recipes.segmentation.planning import resolved
from vesalius.tasks.segmentation import GROUP
from vesalius.tasks.segmenter import Segmenter
from vesalius.tasks.sliding import Windows
from vesalius.terminal import Terminal
from vesalius.views.pipeline import Views

SPLITS = ("train", "val", "test")
_LEAST = 2


@dataclass(frozen=True)
class Job:
    """Labelled volumes, the encoder as it is given, and the plan both share. ``rows``: records by split."""

    config: SegmentationConfig
    data: DataSet
    encoder: Encoder
    plan: Plan
    rows: Mapping[str, NDArray[np.int64]]
    warnings: list[str]
    seconds: float

    @property
    def task(self) -> TaskSpec:
        """What is predicted."""
        return self.data.table.require_task()

    @property
    def shown(self) -> str:
        """The split that is reported: test, or validation where there is no test."""
        return "test" if len(self.rows["test"]) else "val"

    @property
    def windows(self) -> Windows:
        """How whole volumes are predicted."""
        said = self.config.sliding
        return Windows(self.plan.patch, said.overlap, said.mode, said.batch)


def prepare(config: SegmentationConfig, terminal: Terminal) -> Job:
    """Everything that can refuse the user's input, before a run is made."""
    began = time.perf_counter()
    table = load_volumes(config, terminal)
    encoder = given_encoder(config, table)
    plan, warnings = resolved(config.data.plan, encoder.card.plan, table, _multiple(encoder.card.architecture))
    if encoder.card.size != plan.patch:
        check_size(encoder, plan.patch)
    encoder.card = encoder.card.model_copy(update={"plan": plan})
    training_views(config, encoder)
    new_segmenter(config, encoder, table.require_task())
    data: DataSet = open_data(config.data.train, table, plan, terminal, max_bad_share=config.data.max_bad_share)
    rows = {split: data.rows(split) for split in SPLITS}
    if config.compat == "monai-tutorial":
        rows = {**rows, "val": np.sort(np.concatenate([rows["val"], rows["test"]])), "test": rows["test"][:0]}
    rows["train"] = learnt_from(config, data, rows["train"])
    for split in ("train", "val"):
        if not len(rows[split]):
            raise UserError(f"No volume of {data.name} is in the {split} split. Set --data.split, or name the parts in the data's list.")
    found = [*sentences(config.compat), *warnings, *table.warnings, *check_labels(data, rows["train"])]
    terminal.say(
        f"{len(rows['train']):,} training, {len(rows['val']):,} validation and {len(rows['test']):,} test volumes of {data.name} with "
        f"{len(table.require_task().classes) - 1} labels: {', '.join(table.require_task().classes[1:9])}."
    )
    terminal.say(f"Prepared as {words(plan)}.")
    if encoder.loaded is not None and not config.encoder.scratch:
        terminal.say(f"The encoder is {encoder.card.architecture}: {encoder.loaded.sentence()}.")
    else:
        terminal.say(f"The encoder is {encoder.card.architecture}, of random weights.")
    for warning in found:
        terminal.say(warning)
    return Job(config, data, encoder, plan, rows, found, time.perf_counter() - began)


def load_volumes(config: SegmentationConfig, terminal: Terminal) -> SampleTable:
    """List and divide the labelled volumes. Raises UserError in one paragraph for what cannot be used."""
    data = config.data
    table = resolve(
        data.train, root=data.root, dims=3, task=data.task, subject=data.subject, filter=data.filter, download=data.download,
        allow_leakage=data.allow_leakage, terminal=terminal,
    )  # fmt: skip
    if table.dims != 3:
        raise UserError(f"{data.train} holds images, and segmentation is for volumes here. Name NIfTI, NRRD or MetaImage volumes, or DICOM series.")
    labelled = table.frame["mask"].notna().to_numpy() if "mask" in table.frame else np.zeros(len(table), bool)
    if not labelled.any():
        raise UserError(
            f"{data.train} has no label volumes. Give a folder with imagesTr and labelsTr, a list (.json) with 'label', or a table with a "
            "column mask that names each volume's labels."
        )
    table = table.subset(labelled)
    if table.task is None or table.task.kind != "segmentation" or data.classes:
        if len(data.classes) < _LEAST:
            raise UserError(
                f"{data.train} does not say what the values of its label volumes mean: give their names with --data.classes, the "
                "background first, as [background, liver, spleen]."
            )
        table.task = TaskSpec("segmentation", "segmentation", (), tuple(data.classes))
    return divide(table, data.split, allow_leakage=data.allow_leakage, require_subjects=data.require_subjects)


def given_encoder(config: SegmentationConfig, table: SampleTable) -> Encoder:
    """The encoder as the user gives it, before anything is learnt: a pure function of the recipe and what it names.

    Raises UserError for an encoder of images.
    """
    given = config.encoder
    if given.name is None:
        assert given.weights is not None
        encoder = load_encoder(given.weights, min_match=given.min_match)
    else:
        plan, _ = resolved(config.data.plan, None, table, _multiple(given.name))
        encoder = build_encoder(
            given.name, channels=1, size=plan.patch, weights=None if given.scratch else given.weights, min_match=given.min_match,
            seed=config.seed, **given.fields,
        )  # fmt: skip
        encoder.card = encoder.card.model_copy(update={"plan": plan})
    if len(encoder.card.size) != 3:
        raise UserError(f"{given.weights or given.name} is an encoder of images; volumes need one of volumes, such as monai:vit.")
    if not given.scratch or given.name is not None:
        return encoder
    card = encoder.card
    twin = build_encoder(
        card.architecture, channels=card.channels, size=card.size, mean=card.mean, std=card.std, seed=config.seed, **card.options
    )
    twin.card = twin.card.model_copy(update={"plan": card.plan, "preprocessing": card.preprocessing})
    return twin


def _multiple(network: str) -> int:
    """Voxels that the sides of a patch are a multiple of where nothing says how large it is."""
    return 32 if network == "monai:swin_unetr" or network.startswith("resenc") else MULTIPLE


def training_views(config: SegmentationConfig, encoder: Encoder) -> Views:
    """The patches that are learnt from, at the plan's size. Raises UserError for views of images, or without their group."""
    plan = encoder.card.plan
    assert plan is not None
    made = views.load(config.views, encoder.card.channels)
    if GROUP not in made.makes or made.dims != 3:
        raise UserError(
            f"Segmentation needs views of volumes in a group named {GROUP!r}; these make {', '.join(made.makes)}. Take volume-segmentation or "
            "btcv-segmentation, or write the group."
        )
    return views.at_size(made, plan.patch)


def new_segmenter(config: SegmentationConfig, encoder: Encoder, task: TaskSpec) -> Segmenter:
    """The encoder under a decoder of random weights."""
    return Segmenter.build(encoder, task, config.decoder.name, seed=config.seed, **config.decoder.fields)


def learnt_from(config: SegmentationConfig, data: DataSet, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """``(n,)`` the ``data.limit`` training records, all where that is none: the first, or those of subjects drawn by the seed.

    Whole subjects come one after the other, so that a smaller number is always a part of a larger one. Raises UserError where there are
    fewer.
    """
    limit = config.data.limit
    if limit is None:
        return rows
    if limit > len(rows):
        raise UserError(f"{limit} training volumes are asked for (data.limit, or sizes), but {data.name} has {len(rows)}. Ask for fewer.")
    if config.data.subset == "first":
        return rows[:limit]
    subjects = data.table.subjects
    at = data.table_rows(rows)
    own = data.store.ids[rows].astype(str).astype(object)
    whose = own if subjects is None else np.where(pd.isna(subjects[at]), own, subjects[at])
    names = np.array(sorted(set(whose)), dtype=object)
    order = {name: place for place, name in enumerate(names[random.generator("training volumes", config.seed).permutation(len(names))])}
    return np.sort(rows[np.argsort([order[name] for name in whose], kind="stable")[:limit]])


def words(plan: Plan) -> str:
    """One line for the terminal and the report."""
    spacing = "their own spacing" if plan.spacing is None else f"{'×'.join(f'{side:g}' for side in plan.spacing)} mm"
    rule: Any = plan.intensity
    ends = "" if rule.low is None else f" {rule.low:g} to {rule.high:g}"
    return f"{plan.modality}, axes {plan.orientation}, {spacing}, intensities by {rule.rule}{ends}, patches of {'×'.join(map(str, plan.patch))} voxels"
