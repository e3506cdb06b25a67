"""Encoders compared by fine-tuning them: each pair's runs of the finetune verb, chosen and stopped on validation alone.

The settings are those of Ericsson, Gouk and Hospedales, "How well do self-supervised models transfer?" (CVPR 2021): SGD with Nesterov
momentum 0.9, 5,000 steps of 64 images along a cosine, everything learning at one rate. The best weights by the task's measure on
validation, looked at every 200 steps, are what is scored, whether or not the training stopped early.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor

from vesalius.errors import NonFinite, Preempted, UserError
from vesalius.evaluate.fitting.augmenting import augmentation
from vesalius.evaluate.fitting.folds import repeats
from vesalius.evaluate.pairs.examinee import EncoderExaminee
from vesalius.evaluate.pairs.measured import Measured
from vesalius.evaluate.pairs.pair import Pair
from vesalius.features import forward
from vesalius.recipes.checking import check
from vesalius.recipes.finetune_config import FinetuneConfig
from vesalius.recipes.finetune_job import SPLITS, Job
from vesalius.runs import Run
from vesalius.tasks import labels, scoring
from vesalius.tasks.classifier import Classifier
from vesalius.tasks.validation import NAME, Validation
from vesalius.training.display import in_words

RATES, DECAYS = (1e-1, 1e-4), (0.0, 1e-6, 1e-3)
"""The grid of ``search``: each rate with each of the decays divided by that rate, six trainings."""


class Budget(BaseModel):
    """What can be chosen of a fine-tuning; the protocols derive from it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    steps: int = Field(5000, ge=1, description="Steps of each training; stated with every result.")
    batch: int = Field(64, ge=2, description="Images per step.")
    lr: float = Field(1e-2, gt=0, description="Peak learning rate, of the encoder's last layer and the head.")
    weight_decay: float = Field(1e-8, ge=0, description="Of every weight, per step.")
    early_stopping: bool = Field(False, description="End where validation was not better for `patience` looks.")
    patience: int = Field(3, ge=1, description="Looks without a better one before early stopping ends a training.")
    validate_every: int = Field(200, ge=1, description="Steps between looks at validation; the best weights are kept at each.")
    search: bool = Field(False, description="Choose lr from 0.1, 0.0001 and weight decay from 0, 1e-6/lr, 1e-3/lr on validation: six trainings.")
    no_da: bool = Field(False, description="No augmentation.")
    augmentation: Literal["auto", "upright", "anyway-up", "photographs"] = Field("auto", description="What the images are taken for; auto: by their source.")
    repeats: int | None = Field(None, ge=1, description="Trainings with other seeds; 3, and 5 of a data set under 1,000 images, when absent.")


@dataclass(frozen=True)
class Way:
    """What the protocols differ in: its ``name``, whether training begins at the solved head, and the decay of rates with depth."""

    name: str
    linear_first: bool
    layer_decay: float | None


@dataclass(frozen=True)
class _Setting:
    """One training: its folder, seed, rate and decay."""

    folder: Path
    seed: int
    lr: float
    weight_decay: float


def measure(config: Budget, pair: Pair, way: Way) -> Measured:
    """Search where that is asked for, then one training for each seed: its answers, and what was chosen on the way."""
    assert isinstance(pair.encoder, EncoderExaminee)
    began, base = time.perf_counter(), pair.asked.run.path / way.name / pair.encoder.name / pair.dataset
    count = config.repeats or repeats(pair)
    first = _Setting(base / f"seed-{pair.asked.seed}", pair.asked.seed, config.lr, config.weight_decay)
    estimate = _estimate(config, pair, way, count)
    tried: list[dict[str, Any]] = []
    if config.search:
        first, tried = _searched(config, pair, way, base, estimate)
    settings = [first, *(_Setting(base / f"seed-{s}", s, first.lr, first.weight_decay) for s in range(first.seed + 1, first.seed + count))]
    answers: dict[str, list[Tensor]] = {"test": [], "val": []}
    runs = []
    for setting in settings:
        run = _trained(config, pair, way, setting, estimate)
        model = Classifier.load(run.path)
        for split, found in answers.items():
            found.append(_answers(model, pair, split))
        best, last = _looks(run, pair, way.linear_first)
        runs.append({"run": run.path.relative_to(pair.asked.run.path).as_posix(), "seed": setting.seed, "best_step": best[0], "last_step": last})
    said = augmentation(pair.data.table, pair.encoder.encoder, asked=_asked(config, pair), off=config.no_da).said
    facts = {"lr": first.lr, "weight_decay": first.weight_decay, "steps": config.steps, "batch": config.batch, "augmentation": said, "runs": runs}
    facts |= {"tried": tried} if tried else {}
    return Measured(torch.stack(answers["test"]), torch.stack(answers["val"]), facts={**facts, "seconds": time.perf_counter() - began})


def _searched(
    config: Budget, pair: Pair, way: Way, base: Path, estimate: Callable[[float], str]
) -> tuple[_Setting, list[dict[str, Any]]]:
    """Train once for each point of the grid, unexamined; the one whose best validation is best, of equal ones the first."""
    grid = [(lr, decay / lr) for lr in RATES for decay in DECAYS]
    settings = [_Setting(base / f"search-{n}", pair.asked.seed, *point) for n, point in enumerate(grid, 1)]
    tried, metric = [], _metric(pair)
    sign = 1 if scoring.higher_is_better(metric) else -1
    for setting in settings:
        row: dict[str, Any] = {"lr": setting.lr, "weight_decay": setting.weight_decay, "metric": metric, "value": None}
        try:
            row["value"] = _looks(_trained(config, pair, way, setting, estimate, examined=False), pair, way.linear_first)[0][1]
        except NonFinite:
            row["note"] = "the gradient was not finite"
        tried.append(row)
    known = [n for n, row in enumerate(tried) if row["value"] is not None]
    if not known:
        raise UserError(f"No point of the grid could be trained: {pair.encoder.name} diverged on {pair.dataset} at every rate. Leave --search out.")
    return settings[max(known, key=lambda n: (sign * tried[n]["value"], -n))], tried


def _trained(
    config: Budget, pair: Pair, way: Way, setting: _Setting, estimate: Callable[[float], str], *, examined: bool = True
) -> Run:
    """The run of ``setting``: done already, gone on with, or begun."""
    from vesalius.finetune import fine_tuned

    if (setting.folder / "run.json").is_file() and not examined:
        facts = Run.open(setting.folder).facts()
        if facts["state"] == "stopped" and not facts.get("trained"):
            raise NonFinite(f"{setting.folder.name} had diverged before.")
    job = _job(config, pair, way, setting)
    try:
        return fine_tuned(job, setting.folder, pair.asked.terminal, examined=examined, estimate=estimate)
    except Preempted as error:
        raise Preempted(str(error).replace(str(setting.folder), str(pair.asked.run.path))) from error
    except NonFinite as error:
        if not examined:
            raise
        raise UserError(
            f"Fine-tuning {pair.encoder.name} on {pair.dataset} at --lr {setting.lr:g} diverged: a gradient was not finite. Lower --lr, or "
            "choose it by --search."
        ) from error


def _job(config: Budget, pair: Pair, way: Way, setting: _Setting) -> Job:
    """What the verb is handed: the pair's own images, division and encoder, which it may change."""
    assert isinstance(pair.encoder, EncoderExaminee)
    encoder, whole = copy.deepcopy(pair.encoder.encoder), pair.asked.run.config()
    table = pair.data.table
    views = augmentation(table, encoder, asked=_asked(config, pair), off=config.no_da).views
    card, every = encoder.card, {"steps": min(config.validate_every, config.steps)}
    named = {"weights": pair.encoder.reference} if pair.encoder.reference else {"name": card.architecture, "size": card.size[0], **card.options}
    said = {key: whole.get(key) for key in ("labels", "subject", "uncertain", "filter", "allow_leakage", "max_bad_share")}
    recipe = {
        "name": f"{pair.encoder.name} on {pair.dataset}",
        "data": {"train": _reference(pair, whole), "split": whole["split"], **{key: value for key, value in said.items() if value is not None}},
        "encoder": {**named, "freeze": False, "lr_factor": 1.0},
        "linear_first": way.linear_first,
        "keep_start": way.linear_first,
        "views": views,
        "optimizer": {
            "name": "sgd", "momentum": 0.9, "nesterov": True, "lr": setting.lr, "weight_decay": setting.weight_decay, "decay_by": "all",
            "layer_decay": way.layer_decay, "warmup": {"steps": 0},
        },
        "steps": config.steps,
        "batch_size": config.batch,
        "patience": config.patience if config.early_stopping else None,
        "validate_every": every,
        "checkpoint_every": every,
        "precision": "fp32" if pair.asked.autocast is None else "bf16",
        "device": str(pair.asked.device),
        "seed": setting.seed,
    }  # fmt: skip
    parts = {name: pair.split(name) for name in SPLITS}
    known = {name: part.labels.float() for name, part in parts.items()}
    warnings = [*table.warnings, *labels.check(pair.task, known)]
    return Job(check(FinetuneConfig, recipe, way.name), pair.data, encoder, {n: p.rows for n, p in parts.items()}, known, warnings, 0.0)


def _asked(config: Budget, pair: Pair) -> Any:
    """What the images are taken for: the original took all for photographs."""
    return "photographs" if pair.asked.compat != "none" and config.augmentation == "auto" else config.augmentation


def _reference(pair: Pair, whole: Mapping[str, Any]) -> str:
    """What the user called the data set."""
    assert pair.asked.panel is not None
    names = list(pair.asked.panel.tables)
    return str(whole["data"][names.index(pair.dataset)])


def _answers(model: Classifier, pair: Pair, split: str) -> Tensor:
    """``(n, outputs)`` probabilities, before any temperature: what all protocols are judged by alike."""
    model.to(pair.asked.device)
    with torch.no_grad():
        rows = pair.split(split).rows
        asked = pair.asked
        vectors = forward(model.encoder, pair.data.store, rows, device=asked.device, autocast=asked.autocast, batch_size=asked.batch_size)
        return model.head.probabilities(model.head_logits(vectors)).float().cpu()


def _looks(run: Run, pair: Pair, start: bool) -> tuple[tuple[int, float | None], int]:
    """Step and value of the best look at validation, and the last step."""
    rows, metric = [row for row in run.metrics() if row.get("kind") == "monitor"], _metric(pair)
    key, last = f"monitor/{NAME}/{metric}", max((int(row["step"]) for row in rows), default=0)
    known = [(int(row["step"]), float(row[key])) for row in rows if row.get(key) is not None and (row["step"] > 0 or start)]
    if not known:
        return (last, None), last
    sign = 1 if scoring.higher_is_better(metric) else -1
    return max(known, key=lambda look: (sign * look[1], -look[0])), last


def _metric(pair: Pair) -> str:
    """What chooses on validation: the task's measure, or the loss where that is not defined there."""
    return Validation(pair.task, "", None, pair.split("val").labels.float()).metric


def _estimate(config: Budget, pair: Pair, way: Way, count: int) -> Callable[[float], str]:
    """Seconds per step to what the whole protocol will take, from what is left of it when it is asked."""
    panel, cells = pair.asked.panel, pair.asked.cells
    assert panel is not None
    each = count + (len(RATES) * len(DECAYS) - 1 if config.search else 0)

    def said(per_step: float) -> str:
        ours = [one.name for one in panel.examinees.values() if isinstance(one, EncoderExaminee)]
        left = sum(not (cells.folder / way.name / name / f"{data}.safetensors").is_file() for name in ours for data in panel.tables)
        one = per_step * config.steps
        until = datetime.now().astimezone() + timedelta(seconds=one * left * each)
        return (
            f"{way.name}: {config.steps:,} steps of {config.batch} images take {in_words(one)} at this rate. {left} pairs with {each} trainings "
            f"each would take {in_words(one * left * each)}, until about {until:%H:%M on %d %B}, if all were like this one; --steps makes them shorter."
        )

    return said
