"""``vesalius evaluate robustness``: how much of a fine-tuned model's metric is left when its images are disturbed.

Hendrycks and Dietterich, "Benchmarking neural network robustness to common corruptions and perturbations" (2019), with
the disturbances of scanners. The images are those of the split that the run was judged on; nothing is chosen here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, field_validator
from torch import Tensor

from vesalius.errors import UserError
from vesalius.evaluate.asked import Asked, Examined, Taken
from vesalius.evaluate.perturbed import perturbations, strength_curves
from vesalius.evaluate.perturbed import picture as robustness_picture
from vesalius.evaluate.perturbed import verdict as robustness_verdict
from vesalius.evaluate.perturbed.classifier import PerturbedClassifier
from vesalius.evaluate.perturbed.perturbations import Perturbation, Step
from vesalius.evaluate.perturbed.segmenter import PerturbedSegmenter
from vesalius.evaluate.perturbed.tuned import Tuned, finished, refuse_unlike
from vesalius.measures import bootstrap
from vesalius.tasks.segmenter import FACTS as SEGMENTER

TAKES: tuple[Taken, ...] = ("run",)
RULE = (
    "Every model sees the same disturbed images: what is left to chance is drawn by the sample's id. Images are disturbed at the size and "
    "in the scale of values that the model sees, 0 being black and 1 white; volumes to be segmented as a whole, before they are cut into "
    "patches, and their Dice is of the voxels as they are stored. Intervals draw subjects again (cases where no subject is known); changes "
    "and differences are paired."
)


class Config(BaseModel):
    """What can be chosen."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    perturbations: tuple[str, ...] = Field(tuple(one.name for one in perturbations.ALL), description="Which ones, by name.")
    metric: str = Field("", description="What is measured; empty: the task's own metric, of segmentations the mean Dice of the foreground.")

    @field_validator("perturbations", mode="before")
    @classmethod
    def _known(cls, value: Any) -> tuple[str, ...]:
        names = tuple(str(v).replace("-", "_") for v in (value.split(",") if isinstance(value, str) else value))
        known = [one.name for one in perturbations.ALL]
        if unknown := [name for name in names if name not in known]:
            raise ValueError(f"there is no perturbation {unknown[0]!r}; there are {', '.join(known)}")
        return names


def examine(config: Config, asked: Asked) -> Examined:
    """Curves, areas and differences of the runs asked for, the first against each other.

    Raises UserError for more than 26 runs.
    """
    if len(asked.runs) > 26:
        raise UserError(f"{len(asked.runs)} runs are more than one evaluation compares (26). Evaluate them in several.")
    models = [_opened(chr(ord("A") + n), reference, config, asked) for n, reference in enumerate(asked.runs)]
    refuse_unlike(models)
    chosen = perturbations.named(config.perturbations)
    answers = {model.letter: _answers(model, chosen, asked) for model in models}
    curves = strength_curves.measure(models, answers, chosen, asked.seed)
    found = strength_curves.tables(models, curves, chosen)
    picture = robustness_picture.write(asked.run, models[0], chosen, asked)
    first = models[0]
    about: dict[str, Any] = {
        "metric": first.metric,
        "higher_is_better": first.higher_is_better,
        "split": first.split,
        "n": int(bootstrap.groups(first.subjects, len(first.cases)).max()) + 1,
        "cases": len(first.cases),
        "unit": "cases" if first.subjects is None else "subjects",
        "runs": [model.facts() for model in models],
        "perturbations": [one.facts() for one in chosen],
        "picture": picture,
        "rule": RULE,
    }
    results = {**about, **found}
    warnings = list(dict.fromkeys(text for model in models for text in model.data.table.warnings))
    return Examined(results, _flat(found, first.metric), robustness_verdict.sentences(results), warnings)


def _opened(letter: str, reference: str, config: Config, asked: Asked) -> Tuned:
    """The run's model by what it is."""
    run = finished(reference)
    kind = PerturbedSegmenter if (run.path / SEGMENTER).is_file() else PerturbedClassifier
    return kind(letter, run, config.metric, asked.terminal)


def _answers(model: Tuned, chosen: Sequence[Perturbation], asked: Asked) -> dict[str, Tensor]:
    """``clean`` (N, ...) and each perturbation's name (levels, N, ...), each pass over the images from its cell where that is there."""
    everyone = np.arange(len(model.cases))
    key, total = f"{model.key()} {asked.precision} {asked.seed}", 1 + sum(len(one.strengths) for one in chosen)
    place, done = f"robustness/{model.letter}", 1
    with asked.terminal.bar(f"{model.letter}: {model.run.path.name}", "passes") as progress:
        clean = asked.cells.kept(f"{place}/clean", key, lambda: model.answers(None, everyone, asked))
        found = {"clean": clean}
        for one in chosen:
            way, levels = one.which(model.ids, asked.seed), []
            for level, strength in enumerate(one.strengths, 1):
                steps = one.steps(strength, model.dims)
                made = partial(_pass, model, steps, way, clean, asked)
                levels.append(asked.cells.kept(f"{place}/{one.name}-{level}", f"{key} {steps}", made))
                done += 1
                progress(done, total)
            found[one.name] = torch.stack(levels)
    return found


def _pass(model: Tuned, steps: Sequence[Step], way: NDArray[np.int64], like: Tensor, asked: Asked) -> Tensor:
    """``(N, ...)`` answers, each case after the one of ``steps`` that is its ``way`` (N,)."""
    made = torch.empty_like(like)
    for number, step in enumerate(steps):
        rows = np.flatnonzero(way == number)
        if len(rows):
            made[torch.from_numpy(rows)] = model.answers(step, rows, asked)
    return made


def _flat(found: Mapping[str, Sequence[Mapping[str, Any]]], metric: str) -> list[dict[str, Any]]:
    """The tables below each other, for ``results.csv``."""
    return [{"protocol": "robustness", "table": table, "metric": metric, **row} for table, rows in found.items() for row in rows]
