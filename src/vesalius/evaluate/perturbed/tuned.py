"""A fine-tuned run opened again with the split it is judged on: what protocols that take runs examine."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from vesalius.data.dataset import DataSet
from vesalius.errors import UserError
from vesalius.evaluate.asked import Asked
from vesalius.evaluate.perturbed.perturbations import Step
from vesalius.measures import bootstrap
from vesalius.recipes.finetune_config import FinetuneConfig
from vesalius.recipes.finetune_loading import finetune_and_sentences
from vesalius.recipes.segmentation.config import SegmentationConfig
from vesalius.runs import Run, find
from vesalius.tasks.classifier import FACTS as CLASSIFIER
from vesalius.tasks.segmenter import FACTS as SEGMENTER

Split = Literal["test", "val"]


class Tuned:
    """A model and the images it is judged on. Kinds of model derive from it: ``perturbed_classifier``, ``perturbed_segmenter``.

    ``letter``: A for the first, which the others are compared with. ``cases`` (N,): records of its store, by their id.
    """

    metric: str
    higher_is_better: bool

    def __init__(self, letter: str, run: Run, data: DataSet, split: Split, cases: NDArray[np.int64]) -> None:
        self.letter, self.run, self.data, self.split = letter, run, data, split
        self.cases = cases[np.argsort(data.store.ids[cases])]

    @property
    def ids(self) -> NDArray[np.uint64]:
        """``(N,)`` ids of the cases."""
        return self.data.store.ids[self.cases]

    @property
    def dims(self) -> int:
        """2 for images, 3 for volumes."""
        return self.data.table.dims

    @property
    def subjects(self) -> NDArray[np.object_] | None:
        """``(N,)`` whose each case is; None where nobody knows."""
        names = self.data.table.subjects
        return None if names is None else names[self.data.table_rows(self.cases)]

    @abstractmethod
    def key(self) -> str:
        """Everything the answers to undisturbed images depend on, in a word."""

    @abstractmethod
    def answers(self, step: Step | None, which: NDArray[np.int64], asked: Asked) -> Tensor:
        """``(n, ...)`` what the model says of the cases numbered ``which``, after ``step`` is done to each."""

    @abstractmethod
    def statistic(self, answers: Tensor) -> bootstrap.Statistic:
        """The metric of ``answers`` (N, ...) for weights (N, R)."""

    @abstractmethod
    def picture(self, step: Step | None, case: int, asked: Asked) -> NDArray[np.uint8]:
        """``(height, width)`` or with three colours: a case as the model sees it, of a volume the middle slice."""

    def facts(self) -> dict[str, Any]:
        """For the results: no path, no name of the user's."""
        results = self._results()
        card = self._card()
        return {
            "letter": self.letter,
            "id": self.run.facts().get("id"),
            "title": results.get("title", ""),
            "architecture": card.get("architecture", ""),
            "trained_on": card.get("trained_on", ""),
            "frozen": results.get("frozen"),
            "split": self.split,
            "n": len(self.cases),
        }

    def _results(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = json.loads((self.run.path / "results.json").read_text())
        return found

    def _card(self) -> Mapping[str, Any]:
        file = self.run.path / "encoder.json"
        found: Mapping[str, Any] = json.loads(file.read_text()) if file.is_file() else {}
        return found


def finished(reference: str) -> Run:
    """The run of ``reference`` (folder, id or latest). Raises UserError where it is no finished fine-tuning with a model."""
    run = Run.open(find(reference))
    facts = run.facts()
    if facts.get("verb") != "finetune":
        raise UserError(f"{run.path.name} was made by {facts.get('verb')}. Give a run of `vesalius finetune`; `vesalius runs list` shows them.")
    if facts.get("state") != "done":
        raise UserError(f"{run.path.name} is {facts.get('state')}, not done. Go on with it: `vesalius finetune --resume {run.path}`.")
    if not any((run.path / name).is_file() for name in (CLASSIFIER, SEGMENTER)):
        inside = sorted(file.parent.name for file in run.path.glob("*/run.json"))
        which = f"It repeats others, of which each has one: {', '.join(inside[:6])}. Give {run.path}/{inside[0]}." if inside else "Fine-tune again."
        raise UserError(f"{run.path.name} holds no model itself. {which}")
    return run


def configuration(run: Run) -> FinetuneConfig | SegmentationConfig:
    """What the run was made with."""
    return finetune_and_sentences(run.config(), {})[0]


def same_images(run: Run, fingerprint: str) -> None:
    """Raise UserError where the images that lie there now are not those of the run."""
    if run.facts().get("data_fingerprint") != fingerprint:
        raise UserError(
            f"The images of {run.path.name} are not as they were when it was fine-tuned: their ids, labels or splits differ, so that its "
            "test split is not known. Restore them (ids also depend on the file `key` in VESALIUS_CACHE), or fine-tune again."
        )


def judged(data: DataSet, labelled: Mapping[str, NDArray[np.int64]]) -> tuple[Split, NDArray[np.int64]]:
    """The split to judge on and its labelled records (n,): test, or validation where nothing of test is labelled. Raises UserError where neither has any."""
    splits: tuple[Split, ...] = ("test", "val")
    for split in splits:
        if len(labelled[split]):
            return split, labelled[split]
    raise UserError(f"{data.name} has no labelled test or validation images to judge on. Set --data.split.test when fine-tuning.")


def refuse_unlike(models: Sequence[Tuned]) -> None:
    """Raise UserError where runs cannot be compared image by image."""
    first = models[0]
    for other in models[1:]:
        asked = [(one.data.table.require_task().labels, one.data.table.require_task().classes) for one in (first, other)]
        if asked[0] != asked[1] or other.metric != first.metric or other.ids.tolist() != first.ids.tolist():
            raise UserError(
                f"{other.run.path.name} was judged on other images, labels or by another measure ({other.metric}) than "
                f"{first.run.path.name} ({first.metric}), so that the two cannot be paired. Fine-tune both on the same data, task and split seed."
            )
