"""``PREDICTIONS``: which classes a model sees in each image, and how many objects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from vesalius.data.lightly_predictions import TaskPredictions, schema
from vesalius.errors import UserError
from vesalius.recipes.checking import nearest
from vesalius.select.candidates import Candidates
from vesalius.select.said_of import predictions_of
from vesalius.select.values import Classes, Numbers

GIVES: tuple[type[Any], ...] = (Classes, Numbers)


class Config(BaseModel):
    """What of the predictions of ``task`` is meant."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    task: str = Field(description="A task of .lightly/predictions.")
    name: Literal["CLASS_DISTRIBUTION", "CATEGORY_COUNT"] = Field("CLASS_DISTRIBUTION", description="Of which classes, or how many objects.")
    categories: Sequence[str] | None = Field(None, description="Only these categories; none: all.")


def title(config: Config) -> str:
    """How reasons and reports call it."""
    which = "" if config.categories is None else f" ({', '.join(config.categories)})"
    return f"{'classes' if config.name == 'CLASS_DISTRIBUTION' else 'objects'} of {config.task}{which}"


def read(config: Config, candidates: Candidates) -> Classes | Numbers:
    """How much of each category an image holds, or how many objects of ``categories`` together.

    Of a classification its probabilities, or a one for its category; of objects their number; of a segmentation the share of pixels. An image
    without a file holds nothing of any class, and its number of objects is not known. Raises UserError for unknown tasks and categories.
    """
    found = predictions_of(candidates, config.task)
    names = list(found.categories)
    _refuse_unfit(config, found.kind, names)
    places = [names.index(name) for name in (names if config.categories is None else config.categories)]
    if config.name == "CLASS_DISTRIBUTION":
        return Classes([names[place] for place in places], _amounts(found)[:, places], title(config))
    return Numbers(np.where(found.known, _counts(found)[:, places].sum(1), np.nan), title(config))


def refuse_early(config: Config, candidates: Candidates) -> None:
    """Raise UserError for unknown tasks and categories, by the schema alone."""
    kind, names, _ = schema(candidates.root, config.task)
    _refuse_unfit(config, kind, names)


def _refuse_unfit(config: Config, kind: str, names: Sequence[str]) -> None:
    for name in config.categories or ():
        if name not in names:
            raise UserError(f"The task {config.task} has no category {name!r}.{nearest(name, names)}")
    if config.name == "CATEGORY_COUNT" and kind in ("classification", "semantic-segmentation"):
        raise UserError(f"CATEGORY_COUNT counts objects, and {config.task} is of the kind {kind}. Use CLASS_DISTRIBUTION.")


def _counts(found: TaskPredictions) -> NDArray[np.float64]:
    """``(N, C)`` singletons of each category."""
    size, classes = len(found.known), len(found.categories)
    return np.bincount(found.owner * classes + found.category, minlength=size * classes).reshape(size, classes).astype(np.float64)


def _amounts(found: TaskPredictions) -> NDArray[np.float64]:
    if found.kind == "classification":
        amounts = _counts(found)
        said = ~np.isnan(found.probabilities).any(1)
        amounts[found.owner[said]] = found.probabilities[said]
        return amounts
    if found.kind == "semantic-segmentation":
        size, classes = len(found.known), len(found.categories)
        pixels = np.asarray([sum(runs[1::2]) for runs in found.runs], np.float64)
        of_image = np.asarray([sum(runs) for runs in found.runs], np.float64)
        share = pixels / np.where(of_image > 0, of_image, 1)
        return np.bincount(found.owner * classes + found.category, share, size * classes).reshape(size, classes).astype(np.float64)
    return _counts(found)
