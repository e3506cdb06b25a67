"""``SCORES``: how much a label of an image would teach a model, judged by what the model says of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from vesalius.data.lightly_predictions import TaskPredictions, schema
from vesalius.errors import UserError
from vesalius.measures import uncertainty
from vesalius.recipes.checking import nearest
from vesalius.select.answers_file import answers_of
from vesalius.select.candidates import Candidates
from vesalius.select.said_of import predictions_of
from vesalius.select.values import Numbers

GIVES: tuple[type[Any], ...] = (Numbers,)

OF_OBJECTS = ("objectness_least_confidence", "object_frequency")
NAMES = (*uncertainty.MEASURES, *OF_OBJECTS)


class Config(BaseModel):
    """Where scores come from: predictions of ``task``, a table that ``vesalius predict`` wrote, or else the column ``score.NAME`` of the data's own table."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    score: str = Field(description="uncertainty_least_confidence, uncertainty_margin, uncertainty_entropy, objectness_least_confidence or object_frequency.")
    task: str | None = Field(None, description="A task of .lightly/predictions.")
    predictions: str | None = Field(None, description="A .csv or .parquet file of `vesalius predict --out`.")

    @model_validator(mode="after")
    def _one_source(self) -> Config:
        if self.task is not None and self.predictions is not None:
            raise ValueError("task and predictions are both given; give one of them")
        computed = self.task is not None or self.predictions is not None
        if computed and self.score not in NAMES:
            raise ValueError(f"there is no score {self.score!r}.{nearest(self.score, NAMES).rstrip('.')}")
        if self.predictions is not None and self.score in OF_OBJECTS:
            raise ValueError(f"{self.score} is of objects, and a table of predictions is of whole images; give a task")
        return self


def title(config: Config) -> str:
    """How reasons and reports call it."""
    return f"{config.score} of {config.task}" if config.task else config.score


def read(config: Config, candidates: Candidates) -> Numbers:
    """A number between 0 and 1 for each image, NaN for images without a prediction. Raises UserError where there are none."""
    if config.task is not None:
        values = _of_task(predictions_of(candidates, config.task), config.score)
        _refuse_none(values, config.task)
    elif config.predictions is not None:
        values = _of_answers(answers_of(Path(config.predictions), candidates), config.score)
        _refuse_none(values, Path(config.predictions).name)
    else:
        values = _of_column(config.score, candidates)
    return Numbers(values, title(config))


def refuse_early(config: Config, candidates: Candidates) -> None:
    """Raise UserError for an unknown task or column, and for a table of predictions that is not there; no prediction is read."""
    if config.task is not None:
        _refuse_unfit(config.score, config.task, schema(candidates.root, config.task)[0])
    elif config.predictions is None:
        _of_column(config.score, candidates)
    elif not (file := Path(config.predictions).expanduser()).is_file():
        raise UserError(f"There is no file {file.name} of predictions. Give a .csv or .parquet file of `vesalius predict --out`.")


def _refuse_unfit(score: str, task: str, kind: str) -> None:
    if kind == "classification" and score in OF_OBJECTS:
        raise UserError(f"{score} is of objects, and the task {task} is a classification. Use one of {', '.join(uncertainty.MEASURES)}.")


def _of_task(found: TaskPredictions, score: str) -> NDArray[np.float64]:
    size, owner = len(found.known), found.owner
    if found.kind == "classification":
        _refuse_unfit(score, found.task, found.kind)
        values = np.full(size, np.nan)
        values[owner] = _unsure(found, score)
        return values
    if score == "object_frequency":
        return uncertainty.object_frequency(found.category, owner, found.known)
    if score == "objectness_least_confidence":
        values = uncertainty.objectness_least_confidence(found.score, owner, size)
    elif found.kind == "semantic-segmentation":
        pixels = np.asarray([sum(runs[1::2]) for runs in found.runs], np.float64)
        values = uncertainty.mean_over(_unsure(found, score), pixels, owner, size)
    else:
        values = uncertainty.least_sure(_unsure(found, score), owner, size)
    return np.where(found.known, values, np.nan)


def _unsure(found: TaskPredictions, score: str) -> NDArray[np.float64]:
    """``(M,)`` of each singleton, by its probabilities; where it has none, by its score, the probability that it is there."""
    measure = uncertainty.MEASURES[score]
    values = measure(found.probabilities) if len(found) else np.zeros(0)
    without = np.isnan(found.probabilities).any(1)
    values[without] = measure(uncertainty.two_sided(found.score[without])) if without.any() else values[without]
    return values


def _of_answers(probabilities: NDArray[np.float64], score: str) -> NDArray[np.float64]:
    """Of classes that exclude each other by all probabilities; of labels each of which may be true, the least sure one."""
    known = ~np.isnan(probabilities).any(1)
    measure, values = uncertainty.MEASURES[score], np.full(len(probabilities), np.nan)
    rows = probabilities[known]
    if rows.shape[1] > 1 and np.allclose(rows.sum(1), 1, atol=1e-3):
        values[known] = measure(rows)
    else:
        values[known] = np.stack([measure(uncertainty.two_sided(column)) for column in rows.T]).max(0)
    return values


def _of_column(score: str, candidates: Candidates) -> NDArray[np.float64]:
    columns = [] if candidates.frame is None else [str(c).removeprefix("score.") for c in candidates.frame if str(c).startswith("score.")]
    if candidates.frame is None or score not in columns:
        hint = nearest(score, columns) if columns else " It has no column score.NAME."
        raise UserError(
            f"The table of images has no score {score!r}.{hint} Give task (of .lightly/predictions) or predictions (a file of"
            " `vesalius predict --out`) to compute it."
        )
    return candidates.frame[f"score.{score}"].to_numpy(np.float64, na_value=np.nan)


def _refuse_none(values: NDArray[np.float64], where: str) -> None:
    if len(values) and np.isnan(values).all():
        raise UserError(
            f"{where} says nothing of any of the {len(values):,} images. Its names must be relative to the same folder, and uncertainty needs"
            " probabilities or scores."
        )
