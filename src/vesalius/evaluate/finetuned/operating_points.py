"""Operating points of a classifier: thresholds chosen on validation, and what they come to on the test split, by subject.

Of a task of two classes there is one question, of several labels one for each. Of several classes there are those that the
data's source asks (``CONTRASTS``: InnerEye's CVX03 against CVX12, CVX0 against CVX3, CVX1 against CVX2).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from vesalius import registry
from vesalius.data.task import TaskSpec
from vesalius.evaluate.labelled import Labelled
from vesalius.measures import bootstrap, operating

SENSITIVITY = 0.95
_REPLICATES = 1000
NO_QUESTION = "An operating point answers yes or no, and this task has several classes: the curves show each against the rest."
ONE_SIDE = "The validation or the test split holds one side of the question alone, so that no threshold can be chosen or measured."
NO_TEST = "A threshold is chosen on validation and measured on test, of which no image has a label."


@dataclass(frozen=True)
class Question:
    """Yes (``positive`` of ``asked``) or no, by ``score``: (N,) each; ``asked`` numbers the samples it is asked of."""

    name: str
    asked: Tensor
    positive: Tensor
    score: Tensor


def questions(task: TaskSpec, source: str, labels: Tensor, outputs: Tensor) -> list[Question]:
    """What a task can be asked with yes and no, of the samples with known labels.

    ``labels`` are (n,), of several (n, labels); ``outputs`` (n, outputs).
    """
    if task.kind == "multilabel":
        known = [((labels[:, c] == 0) | (labels[:, c] == 1)).nonzero()[:, 0] for c in range(len(task.classes))]  # soft ones are not scored
        return [Question(name, rows, labels[rows, c] == 1, outputs[rows, c]) for c, (name, rows) in enumerate(zip(task.classes, known, strict=True))]
    if len(task.classes) == 2:
        rows = (~labels.isnan()).nonzero()[:, 0]
        return [Question(task.classes[1], rows, labels[rows] == 1, outputs[rows, 1])]
    found = []
    for name, (no, yes) in _contrasts(source, task).items():
        rows = torch.isin(labels, torch.tensor([*no, *yes], dtype=labels.dtype)).nonzero()[:, 0]
        sides = [outputs[rows][:, list(side)].double().sum(1) for side in (no, yes)]
        positive = torch.isin(labels[rows], torch.tensor(list(yes), dtype=labels.dtype))
        found.append(Question(name, rows, positive, sides[1] / (sides[0] + sides[1]).clamp_min(1e-30)))
    return found


def operating_points(
    task: TaskSpec, source: str, chosen_by: tuple[Tensor, Tensor], scored: tuple[Tensor, Tensor], part: Labelled, seed: int
) -> list[dict[str, Any]]:
    """A row for each question and rule: the threshold, the four counts, and each measure with its interval.

    ``chosen_by``, ``scored``: labels and outputs (N, ...) of the validation and the test samples. ``part``: the labelled ones
    of the latter, with whose they are. A question that one of them cannot answer (a class is missing) has no row.
    """
    first = {q.name: q for q in questions(task, source, *chosen_by)}
    rows: list[dict[str, Any]] = []
    place = torch.full((len(scored[0]),), -1, dtype=torch.long)
    place[part.rows] = torch.arange(len(part.rows))
    for question in questions(task, source, *scored):
        val = first[question.name]
        if not (_both(val.positive) and _both(question.positive)):
            continue
        subject = bootstrap.groups(part.subject[place[question.asked].numpy()].astype(object), len(question.asked))
        thresholds = {
            "Youden": operating.youden(val.positive, val.score),
            f"sensitivity {100 * SENSITIVITY:.0f} %": operating.at_sensitivity(val.positive, val.score, SENSITIVITY),
            **({"half": 0.5} if task.kind not in ("multilabel", "binary") else {}),
        }
        rows += [_row(question, rule, t, subject, part, seed) for rule, t in thresholds.items()]
    return rows


def _row(question: Question, rule: str, threshold: float, subject: Any, part: Labelled, seed: int) -> dict[str, Any]:
    positive, score = question.positive, question.score
    value = operating.rates(positive, score, threshold)
    drawn: dict[str, list[Tensor]] = {name: [] for name in operating.NAMES}
    for block in bootstrap.weights(subject, _REPLICATES, seed):
        for name, values in operating.rates(positive, score, threshold, block).items():
            drawn[name].append(values)
    measures = {}
    for name in operating.NAMES:
        low, high = bootstrap.interval(torch.cat(drawn[name]).double())
        numbers = {"value": float(value[name][0]), "low": low, "high": high}
        measures[name] = {key: number if number == number else None for key, number in numbers.items()}
    said = score >= threshold
    counts = {"tp": positive & said, "fn": positive & ~said, "fp": ~positive & said, "tn": ~positive & ~said}
    return {
        "question": question.name, "rule": rule, "threshold": threshold, "measures": measures,
        "counts": {name: int(which.sum()) for name, which in counts.items()},
        "n": int(subject.max()) + 1, "unit": "images" if part.names is None else "subjects",
    }  # fmt: skip


def _both(positive: Tensor) -> bool:
    return bool(positive.any()) and not bool(positive.all())


def _contrasts(source: str, task: TaskSpec) -> Mapping[str, tuple[Sequence[int], Sequence[int]]]:
    """Pairs of sides, as numbers of classes, that the source asks about in this task."""
    if source not in registry.names("sources"):
        return {}
    asked: Mapping[str, Any] = getattr(registry.entry("sources", source), "CONTRASTS", {})
    found: Mapping[str, tuple[Sequence[int], Sequence[int]]] = asked.get(task.name, {})
    return found
