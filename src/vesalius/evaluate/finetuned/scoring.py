"""What a fine-tuned model is worth: scores beside baselines, curves, calibration, predictions and worst mistakes.

The rule: the head's strength, the best weights and the temperature are chosen on the validation split; the test split is
scored once, at the end. Intervals draw subjects (images where no subject is known) again; all models share the
replicates, so that their differences are paired.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vesalius.data.dataset import DataSet
from vesalius.evaluate.examples import examples
from vesalius.evaluate.facts import caveats, labelled_facts
from vesalius.evaluate.finetuned import operating_points
from vesalius.evaluate.finetuned.verdict import sentences
from vesalius.evaluate.labelled import Labelled, majority
from vesalius.evaluate.sprites import write_examples
from vesalius.measures import bootstrap, calibration, curves, metrics
from vesalius.runs import Run
from vesalius.tasks import predictions, scoring
from vesalius.tasks.classifier import Classifier
from vesalius.tasks.labels import known

OWN, MAJORITY = "fine-tuned", "majority"
LOGISTIC, LINE = "logistic regression on the same features", "linear regression on the same features"
RULE = (
    "The head's strength, the best weights and the temperature are chosen on the validation split; the test split is scored once. "
    "The regression beside it stands on the features of the encoder as it was given."
)
_REPLICATES, _ITEMS, _QUERIES = 1000, 1000, 24
_COOLEST, _HOTTEST = 0.25, 10.0
_BAND = 50
"""Steps of the false positive rate at which a ROC curve has an interval."""


@dataclass(frozen=True)
class Outcome:
    """A fine-tuned model and what it puts out. By split (``train``, ``val``, ``test``): records, labels with NaN unknown;
    for ``val`` and ``test`` the model's logits and the answers (probabilities) of the regression on the given features.

    ``vectors``: (n, D) test features of its encoder; ``frozen``: whether that is the encoder as it was given.
    """

    model: Classifier
    data: DataSet
    rows: Mapping[str, NDArray[np.int64]]
    labels: Mapping[str, Tensor]
    logits: Mapping[str, Tensor]
    beside: Mapping[str, Tensor]
    vectors: Tensor
    frozen: bool
    seed: int

    @property
    def shown(self) -> str:
        """The split that confusion, curves and calibration show: test, or validation where nothing of test is labelled."""
        return "test" if bool(known(self.labels["test"]).any()) else "val"


def examine(outcome: Outcome, run: Run, *, warnings: list[str]) -> dict[str, Any]:
    """``results.json`` but kind, title, checkpoints and cost. Sets the model's temperature; writes predictions and examples."""
    task, model = outcome.model.task, outcome.model
    note = _set_temperature(outcome)
    outputs = {split: model.cooled(logits) for split, logits in outcome.logits.items()}
    absent: dict[str, str] = {}
    scores, differences = _scores(outcome, outputs)
    split = outcome.shown
    if split == "val":
        absent["test"] = "No test image has a label: set --data.split.test. What is shown is of the validation split, by which choices were made."
    found: dict[str, Any] = {"data": {"labelled": labelled_facts(outcome.data)}, "scores": scores, "differences": differences, "rule": RULE}
    labels = outcome.labels[split]
    here = known(labels)
    if task.kind == "regression":
        quantity = "The answers are quantities: see predictions.parquet."
        absent |= dict.fromkeys(("confusion", "curves", "calibration", "mistakes", "map", "neighbours"), quantity)
    else:
        if task.kind == "multilabel":
            absent |= {"confusion": "An image has several labels; the curves show each.", "mistakes": "An image has several labels."}
        else:
            counts = curves.confusion(labels, outputs[split])
            found["confusion"] = {"classes": list(task.classes), "counts": counts.tolist(), "split": split}
        found["curves"] = {**_curves(outcome, labels[here], outputs[split][here], _labelled(outcome, split)), "split": split}
        found["calibration"] = {**_calibration(outcome, labels, outputs[split], note), "split": split}
        points, why = _operating_points(outcome, outputs)
        found |= {"operating": points} if points else {}
        absent |= {} if points else {"operating": why}
    mistakes = 0
    if task.kind != "regression" and split == "test":
        mistakes = _write_examples(outcome, outputs["test"], run)
        if not mistakes and task.kind != "multilabel":
            absent["mistakes"] = "Every labelled test image is answered right: there are no mistakes to look at."
    _write_predictions(outcome, outputs, run)
    found["verdict"] = [*sentences(found, outcome.frozen, task, mistakes=mistakes > 0), *caveats(outcome.data)]
    return {**found, "warnings": warnings, "absent": absent}


def beside_name(kind: str) -> str:
    """What the regression on the given features is called."""
    return LINE if kind == "regression" else LOGISTIC


def _set_temperature(outcome: Outcome) -> str:
    """Choose the temperature on validation; returns the sentence about it."""
    task, labels = outcome.model.task, outcome.labels["val"]
    if task.kind == "regression":
        return ""
    if len(set(labels[~labels.isnan()].tolist())) < 2:
        return "The validation labels are of one class, so no temperature could be chosen: it stays 1."
    found = calibration.temperature(scoring.measured(task.kind), outcome.logits["val"], labels)
    outcome.model.temperature = min(max(found, _COOLEST), _HOTTEST)
    at_limit = " (the limit: the validation split is told apart without a mistake, or not at all)" if found != outcome.model.temperature else ""
    return f"Temperature {outcome.model.temperature:.2f}{at_limit}, chosen on the validation split; the model's probabilities are those after it."


def _scores(outcome: Outcome, outputs: Mapping[str, Tensor]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    task = outcome.model.task
    train = outcome.labels["train"]
    order = [task.metric, *(name for name in scoring.names(task.kind) if name != task.metric)]
    rows, apart = [], []
    for split in ("test", "val"):
        labels = outcome.labels[split]
        if not bool(known(labels).any()):
            continue
        part = _labelled(outcome, split)
        models = {
            OWN: outputs[split][part.rows],
            MAJORITY: _constant(outcome, train[known(train)], len(part.rows)),
            beside_name(task.kind): outcome.beside[split][part.rows],
        }
        wanted = {(m, name): _statistic(name, task.kind, part.labels, answers) for m, answers in models.items() for name in order}
        drawn = bootstrap.replicate(
            {f"{m}\n{n}": s for (m, n), s in wanted.items()}, part.subject, replicates=_REPLICATES, seed=outcome.seed
        )
        common = {"n": int(part.subject.max()) + 1, "unit": "images" if part.names is None else "subjects", "split": split}
        for name in order:
            value = {m: float(scoring.measure(name, task.kind, part.labels, answers)[0]) for m, answers in models.items()}
            rows += [{"model": m, **found(name, value[m], drawn[f"{m}\n{name}"]), **common} for m in models]
            for m in models:
                if m != OWN:
                    gap = drawn[f"{OWN}\n{name}"] - drawn[f"{m}\n{name}"]
                    apart.append({"a": OWN, "b": m, **found(name, value[OWN] - value[m], gap), **common})
    return rows, apart


def _statistic(name: str, kind: Any, labels: Tensor, answers: Tensor) -> bootstrap.Statistic:
    return lambda weights: scoring.measure(name, kind, labels, answers, weights)


def found(metric: str, value: float, replicates: Tensor) -> dict[str, Any]:
    """Value and interval of ``replicates`` (R,); None where undefined, as JSON has no NaN."""
    low, high = bootstrap.interval(replicates)
    numbers = {"value": value, "low": low, "high": high}
    return {"metric": metric, **{key: number if number == number else None for key, number in numbers.items()}}


def _labelled(outcome: Outcome, split: str) -> Labelled:
    labels = outcome.labels[split]
    rows = known(labels).nonzero()[:, 0]
    subjects = outcome.data.table.subjects
    names = None if subjects is None else subjects[outcome.data.table_rows(outcome.rows[split])][rows.numpy()]
    return Labelled(rows, labels[rows], bootstrap.groups(names, len(rows)), names)


def _constant(outcome: Outcome, train: Tensor, count: int) -> Tensor:
    task = outcome.model.task
    if task.kind == "regression":
        return train.double().mean().float().expand(count, 1)
    return majority(train, scoring.measured(task.kind), len(task.classes), count)


def _curves(outcome: Outcome, labels: Tensor, outputs: Tensor, part: Labelled) -> dict[str, Any]:
    """ROC and precision-recall curves of each class against the rest; of class 1 alone where there are two.

    A ROC curve has the interval of its area and, at some false positive rates, that of the true positive rate.
    """
    task = outcome.model.task
    many = task.kind == "multilabel"
    columns = [1] if not many and len(task.classes) == 2 else range(len(task.classes))
    roc, pr = [], []
    for column in columns:
        here = ~labels[:, column].isnan() if many else ~labels.isnan()
        positive = labels[here, column] == 1 if many else labels[here] == column
        score, ones = outputs[here, column], torch.ones(int(here.sum()), 1, dtype=torch.float64)
        false, true = curves.roc(positive, score)
        recall, precision = curves.precision_recall(positive, score)
        name = task.classes[column]
        area = _number(metrics.area_under_roc(positive, score, ones))
        row = {"class": name, "fpr": _short(false), "tpr": _short(true), "auc": area}
        roc.append(row | (_roc_interval(positive, score, part.subject[here.numpy()], outcome.seed) if area is not None else {}))
        pr.append(
            {"class": name, "recall": _short(recall), "precision": _short(precision), "ap": _number(metrics.average_precision(positive, score, ones))}
        )
    return {"roc": roc, "pr": pr}


def _roc_interval(positive: Tensor, score: Tensor, subject: NDArray[np.int64], seed: int) -> dict[str, Any]:
    """The area's interval and the curve's band, over subjects drawn again."""
    at = torch.linspace(0, 1, _BAND + 1)
    whose = bootstrap.groups(subject.astype(object), len(subject))
    areas, curve = [], []
    for block in bootstrap.weights(whose, _REPLICATES, seed):
        areas.append(metrics.area_under_roc(positive, score, block.double()))
        curve.append(curves.roc_replicates(positive, score, block, at))
    low, high = bootstrap.interval(torch.cat(areas))
    spans = [bootstrap.interval(values) for values in torch.cat(curve, 1)]
    return {"low": low, "high": high, "band": [[round(float(x), 3), round(a, 5), round(b, 5)] for x, (a, b) in zip(at, spans, strict=True)]}


def _short(values: list[float]) -> list[float]:
    return [round(value, 5) for value in values]


def _number(values: Tensor) -> float | None:
    value = float(values[0])
    return value if value == value else None


def _calibration(outcome: Outcome, labels: Tensor, outputs: Tensor, note: str) -> dict[str, Any]:
    kind = scoring.measured(outcome.model.task.kind)
    plain = outcome.model.head.probabilities(outcome.logits[outcome.shown].float())
    found = {}
    for name, shares in (("before", plain), ("after", outputs)):
        answers = calibration.answers(kind, labels, shares)
        found[name] = {"ece": calibration.expected_error(*answers), "bins": [vars(b) for b in calibration.reliability(*answers)]}
    return {**found, "temperature": outcome.model.temperature, "note": note}


def _operating_points(outcome: Outcome, outputs: Mapping[str, Tensor]) -> tuple[list[dict[str, Any]], str]:
    """Rows, and why there are none."""
    task, source = outcome.model.task, outcome.data.table.source
    if outcome.shown != "test":
        return [], operating_points.NO_TEST
    val, test = ((outcome.labels[s], outputs[s]) for s in ("val", "test"))
    rows = operating_points.operating_points(task, source, val, test, _labelled(outcome, "test"), outcome.seed)
    asked = operating_points.questions(task, source, *test)
    return rows, operating_points.ONE_SIDE if asked else operating_points.NO_QUESTION


def _write_examples(outcome: Outcome, outputs: Tensor, run: Run) -> int:
    """Examples of the test split; returns the number of mistakes among them."""
    task, part = outcome.model.task, _labelled(outcome, "test")
    vectors = outcome.vectors[part.rows]
    shown, rows = examples(
        part,
        vectors,
        {OWN: vectors},
        outputs[part.rows],
        scoring.measured(task.kind),
        ids=outcome.data.store.ids[outcome.rows["test"]][part.rows.numpy()],
        items=_ITEMS,
        queries=_QUERIES,
        seed=outcome.seed,
    )
    write_examples(run.path / "examples", outcome.data, outcome.rows["test"][rows], {"classes": list(task.classes), **shown})
    return len(shown.get("mistakes", ()))


def _write_predictions(outcome: Outcome, outputs: Mapping[str, Tensor], run: Run) -> None:
    subjects = outcome.data.table.subjects
    frames = []
    for split in ("test", "val"):
        rows = outcome.rows[split]
        if len(rows):
            whose = None if subjects is None else subjects[outcome.data.table_rows(rows)]
            ids = outcome.data.store.ids[rows]
            frames.append(predictions.frame(outcome.model.task, ids, split, outcome.labels[split], outputs[split], whose))
    predictions.write(run.path / "predictions.parquet", frames)


def as_classes(task: Any) -> Any:
    """An ordinal task as one of classes without order, for the logistic regression beside it."""
    return replace(task, kind="classes", metric="") if task.kind == "ordinal" else task
