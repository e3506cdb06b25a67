"""What a model says of each image, as Lightly's datasource holds it: ``.lightly/predictions/TASK/<image without suffix>.json``.

``tasks.json`` lists the tasks, ``TASK/schema.json`` says ``{task_type, categories: [{id, name}]}``, and the file of an image
``{file_name, predictions: [...]}``. Labels may be given in the same form.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vesalius.data.lightly_files import Broken, folder, listed, read_each
from vesalius.errors import UserError

KINDS = ("classification", "object-detection", "semantic-segmentation", "instance-segmentation", "keypoint-detection")
_SUM = 0.01
"""How far from 1 probabilities may add up: they were rounded when written."""


@dataclass(frozen=True)
class TaskPredictions:
    """Everything a task says of N images: M singletons (an object, a class, a segment), those of an image one after another.

    ``kind``: one of ``KINDS``. ``categories``: their names. ``owner`` (M,): the image, as a row of the names that were asked for, ascending.
    ``category`` (M,): a position in ``categories``. ``score`` (M,): NaN where none is given. ``probabilities`` (M, C): rows of NaN where none are. ``box``
    (M, 4): x, y, width, height in px from the top left, NaN where there is none; of keypoints without a box, the box around them.
    ``runs``: of segmentations, row by row of pixels, lengths of runs that begin with one of zeros, or empty. ``keypoints``: ``x, y, visibility`` one
    after another, or empty. ``known`` (N,): which images have a file.
    """

    task: str
    kind: str
    categories: Sequence[str]
    owner: NDArray[np.int64]
    category: NDArray[np.int64]
    score: NDArray[np.float64]
    probabilities: NDArray[np.float64]
    box: NDArray[np.float64]
    known: NDArray[np.bool_]
    runs: Sequence[Sequence[int]] = field(default_factory=list)
    keypoints: Sequence[Sequence[float]] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.owner)

    @property
    def bounds(self) -> NDArray[np.int64]:
        """``(N + 1,)``: the singletons of image i are those from ``bounds[i]`` up to ``bounds[i + 1]``."""
        return np.searchsorted(self.owner, np.arange(len(self.known) + 1))


class _Singleton(NamedTuple):
    category: int
    score: float
    probabilities: Sequence[float]
    box: Sequence[float]
    runs: Sequence[int]
    keypoints: Sequence[float]


def tasks(root: str | os.PathLike[str]) -> list[str]:
    """The tasks that ``root/.lightly/predictions/tasks.json`` lists; none where there is no such file. Raises UserError where it lists nothing usable."""
    place = folder(root, "predictions", "tasks.json")
    found = listed(place)
    if found is None:
        return []
    if not isinstance(found, list) or not all(isinstance(name, str) and name for name in found):
        raise UserError(f'{place} must be a list of task names such as ["detection"]. Correct that file.')
    return list(found)


def schema(root: str | os.PathLike[str], task: str) -> tuple[str, list[str], dict[int, int]]:
    """Kind, categories, and the place of each category's id among them, of a ``task``. Raises UserError where it is not listed, or its schema not usable."""
    known = tasks(root)
    if task not in known:
        place = folder(root, "predictions", "tasks.json")
        said = f"{place} lists no task {task!r}.{_nearest(task, known)}" if known else f"There are no predictions: {place} is not there, or lists no task."
        raise UserError(f"{said} Predictions lie as docs/selection-inputs.md shows.")
    return _schema(folder(root, "predictions", task, "schema.json"))


def read(root: str | os.PathLike[str], task: str, names: Sequence[str] | NDArray[np.str_]) -> TaskPredictions:
    """What ``task`` says of the images ``names``, relative to ``root``.

    Raises UserError where there is no such task, its schema is not usable, or a file is broken or speaks of categories that the schema does not know.
    """
    kind, categories, places = schema(root, task)
    parse = partial(_singletons, kind=kind, places=places)
    found = read_each(folder(root, "predictions", task), [str(name) for name in names], parse, f"predictions of {task}")
    flat = [(row, one) for row, several in enumerate(found) for one in several or ()]
    probabilities = np.full((len(flat), len(categories)), np.nan)
    box = np.full((len(flat), 4), np.nan)
    for number, (_, one) in enumerate(flat):
        if one.probabilities:
            probabilities[number] = one.probabilities
        if one.box:
            box[number] = one.box
    return TaskPredictions(
        task,
        kind,
        categories,
        np.fromiter((row for row, _ in flat), np.int64, len(flat)),
        np.fromiter((one.category for _, one in flat), np.int64, len(flat)),
        np.fromiter((one.score for _, one in flat), np.float64, len(flat)),
        probabilities,
        box,
        np.fromiter((several is not None for several in found), bool, len(found)),
        [one.runs for _, one in flat],
        [one.keypoints for _, one in flat],
    )


def decoded(runs: Sequence[int], width: int, height: int) -> NDArray[np.bool_]:
    """``(height, width)`` the mask of a segmentation's ``runs``. Raises ValueError where they are of another number of pixels."""
    if sum(runs) != width * height:
        raise ValueError(f"runs of {sum(runs)} pixels are no mask of {width} x {height}")
    return np.repeat(np.arange(len(runs)) % 2 == 1, np.asarray(runs, np.int64)).reshape(height, width)


def _nearest(task: str, known: Sequence[str]) -> str:
    near = get_close_matches(task, known, n=1)
    return f" Did you mean {near[0]}?" if near else f" Known here: {', '.join(known)}."


def _schema(place: str) -> tuple[str, list[str], dict[int, int]]:
    """Kind, names of categories, and the position of each category's id."""
    found = listed(place)
    if found is None:
        raise UserError(f"{place} is not there. It says of the task {{task_type, categories: [{{id, name}}]}}.")
    kind = found.get("task_type") if isinstance(found, Mapping) else None
    if kind not in KINDS:
        raise UserError(f"{place}: task_type is {kind!r}, which is none of {', '.join(KINDS)}. Correct that file.")
    given = found.get("categories")
    if not isinstance(given, list) or not given or not all(isinstance(one, Mapping) and _whole(one.get("id")) and "name" in one for one in given):
        raise UserError(f"{place}: categories must be a list of {{id, name}} with whole numbers as ids. Correct that file.")
    ids, names = [int(one["id"]) for one in given], [str(one["name"]) for one in given]
    if len(set(ids)) < len(ids) or len(set(names)) < len(names):
        raise UserError(f"{place}: two categories have the same id or the same name. Correct that file.")
    return kind, names, {number: position for position, number in enumerate(ids)}


def _singletons(row: int, content: Mapping[str, Any], *, kind: str, places: Mapping[int, int]) -> list[_Singleton]:
    given = content.get("predictions")
    if not isinstance(given, list) or not all(isinstance(one, Mapping) for one in given):
        raise Broken("predictions is not a list of mappings")
    if kind == "classification" and len(given) > 1:
        raise Broken(f"it has {len(given)} predictions, and a classification has one")
    return [_singleton(one, kind, places) for one in given]


def _singleton(one: Mapping[str, Any], kind: str, places: Mapping[int, int]) -> _Singleton:
    category = one.get("category_id")
    if not isinstance(category, int) or isinstance(category, bool) or category not in places:
        raise Broken(f"category_id {category!r} is not in schema.json")
    probabilities = _numbers(one, "probabilities")
    if probabilities and (len(probabilities) != len(places) or min(probabilities) < 0 or abs(sum(probabilities) - 1) > _SUM):
        raise Broken(f"probabilities must be {len(places)} numbers, one per category of schema.json, that add up to 1")
    score = one.get("score", math.nan)
    if isinstance(score, bool) or not isinstance(score, (int, float)) or not (0 <= score <= 1 or score is math.nan):
        raise Broken(f"score {score!r} is not between 0 and 1")
    box, runs, keypoints = _numbers(one, "bbox"), _numbers(one, "segmentation"), _numbers(one, "keypoints")
    if kind == "object-detection" and not box:
        raise Broken("an object has no bbox")
    if box and (len(box) != 4 or min(box[2:]) < 0):
        raise Broken("a bbox must be x, y, width, height")
    if kind.endswith("segmentation") and not (runs and all(_whole(run) and run >= 0 for run in runs)):
        raise Broken("a segmentation must be lengths of runs, beginning with the zeros")
    if kind == "keypoint-detection" and (not keypoints or len(keypoints) % 3):
        raise Broken("keypoints must be x, y, visibility, one after another")
    return _Singleton(places[category], float(score), probabilities, box or _around(keypoints), runs, keypoints)


def _around(keypoints: Sequence[float]) -> Sequence[float]:
    """The box around the keypoints that are seen."""
    seen = np.asarray(keypoints, np.float64).reshape(-1, 3)
    seen = seen[seen[:, 2] > 0, :2]
    return [*seen.min(0).tolist(), *np.ptp(seen, axis=0).tolist()] if len(seen) else ()


def _numbers(one: Mapping[str, Any], key: str) -> Sequence[Any]:
    value = one.get(key)
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(v, (int, float)) and not isinstance(v, bool) and math.isfinite(v) for v in value):
        raise Broken(f"{key} is not a list of numbers")
    return value


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
