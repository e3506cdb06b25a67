"""What is known or predicted of images already, as labelling tools take it for a first draft: classes and boxes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vesalius.data import lightly_predictions
from vesalius.select import picked
from vesalius.select.selected import Selected


@dataclass(frozen=True)
class Draft:
    """A ``label`` of an image, by ``source`` (a label column, or a task of predictions); ``box``: x, y, width, height in px, or None for the whole image."""

    source: str
    label: str
    box: tuple[float, float, float, float] | None = None
    score: float | None = None
    predicted: bool = False


@dataclass(frozen=True)
class Drafts:
    """``of`` each row that was asked for; ``classes``: the names of the classes of each source, ``boxes``: which sources draw boxes."""

    of: list[list[Draft]]
    classes: dict[str, list[str]]
    boxes: frozenset[str]

    @property
    def names(self) -> list[str]:
        """All classes, each once."""
        return list(dict.fromkeys(name for names in self.classes.values() for name in names))


def drafts(selected: Selected, rows: NDArray[np.int64]) -> Drafts:
    """Labels of candidates ``rows`` that have classes, and predictions for them in ``.lightly/predictions`` of the data's root, where there are any."""
    found: list[list[Draft]] = [[] for _ in rows]
    classes: dict[str, list[str]] = {}
    for label in selected.labels:
        if not selected.class_names.get(label):
            continue
        classes[label] = list(selected.class_names[label])
        for drafts_, word in zip(found, picked.said(selected, label, rows), strict=True):
            if word is not None:
                drafts_.append(Draft(label, str(word)))
    boxes = _predictions(selected.candidates.root, selected.candidates.names[rows], found, classes)
    return Drafts(found, classes, frozenset(boxes))


def _predictions(root: str, names: Sequence[str] | NDArray[np.str_], found: list[list[Draft]], classes: dict[str, list[str]]) -> list[str]:
    boxes: list[str] = []
    if not root or not Path(root).is_dir():
        return boxes
    for task in lightly_predictions.tasks(root):
        known = lightly_predictions.read(root, task, names)
        if known.kind not in ("classification", "object-detection"):
            continue
        classes[task] = list(known.categories)
        if known.kind == "object-detection":
            boxes.append(task)
        for number in range(len(known)):
            corners = known.box[number]
            box = None if np.isnan(corners).any() else (float(corners[0]), float(corners[1]), float(corners[2]), float(corners[3]))
            score = known.score[number] if np.isfinite(known.score[number]) else known.probabilities[number][known.category[number]]
            draft = Draft(task, known.categories[known.category[number]], box, float(score) if np.isfinite(score) else None, predicted=True)
            found[known.owner[number]].append(draft)
    return boxes
