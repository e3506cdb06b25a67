"""What encoders are worth: linear probe and nearest neighbours on each, beside baselines, with intervals.

The rule: a probe is fitted to the training split, its strength chosen by log loss on the validation split, and scored
once on the test split. Intervals draw the test split's subjects (images where no subject is known) again. A share of
the labels means that share of the training and of the validation labels. All encoders share subsets and replicates, so
that differences are paired.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vesalius import random
from vesalius.data.task import TaskSpec
from vesalius.evaluate.examples import examples
from vesalius.evaluate.fitting.fractions import nested
from vesalius.evaluate.labelled import SPLITS, Labelled, labelled_splits, majority, measured_kind
from vesalius.measures import bootstrap, calibration, knn, logistic, metrics
from vesalius.measures.metrics import Kind

OWN, MAJORITY = "pretrained", "majority"
RULE = (
    "Linear probes are fitted to the training split, their strength is chosen by log loss on the validation split, and "
    "each is scored once on the test split. A share of the labels is that share of training and validation labels."
)
Vectors = tuple[Tensor, Tensor, Tensor]


@dataclass(frozen=True)
class Settings:
    """``points`` strengths C from 1e-6 to 100; ``draws`` subsets for each share of the labels below 1; bootstrap
    ``replicates``; at most ``items`` example images; ``queries`` of them with their neighbours.
    """

    fractions: Sequence[float] = (0.01, 0.1, 1.0)
    points: int = 13
    draws: int = 5
    replicates: int = 1000
    items: int = 1000
    queries: int = 24
    k: int = 20


def examine(
    encoders: Mapping[str, Vectors],
    labels: Sequence[Tensor],
    task: TaskSpec,
    *,
    ids: NDArray[np.uint64],
    subjects: Sequence[NDArray[np.object_] | None] = (None, None, None),
    seed: int = 0,
    settings: Settings | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> dict[str, Any]:
    """Examine ``encoders``: name -> (N, D) features of the training, validation and test split; the first is examined.

    ``labels`` and ``subjects`` are in the same order; (N,) class numbers or (N, L) for multi-label, NaN = unknown.
    ``ids`` (N,) name the test samples. Returns ``probes``, ``differences``, ``label_efficiency``, ``calibration``,
    ``examples`` and ``rule`` as they stand in ``results.json`` and ``examples.json``, ``predictions`` (n, outputs):
    the first encoder's linear probe on the labelled test samples, and ``rows``: the rows of the test split that the
    example items show. Raises UserError where a split has no label, or training knows fewer than
    two classes.
    """
    settings = settings or Settings()
    exam = _Examination(labelled_splits(labels, subjects, task), measured_kind(task), task, seed, settings)
    own = next(iter(encoders))
    kept = {n: [v[s][exam.splits[name].rows] for s, name in enumerate(SPLITS)] for n, v in encoders.items()}
    fitted: dict[str, logistic.Probe] = {}
    for name, vectors in kept.items():
        say(f"Probing {name}")
        fitted[name] = exam.linear(vectors)
        exam.score(name, "linear", fitted[name].probabilities(vectors[2]).float())
    for name, vectors in kept.items():
        exam.score(name, "knn", exam.nearest(vectors))
    test = exam.splits["test"]
    exam.score(MAJORITY, "constant", majority(exam.splits["train"].labels, exam.kind, exam.classes, len(test.rows)))
    efficiency = []
    for name, vectors in kept.items():
        say(f"Probing {name} with few labels")
        efficiency += [exam.efficiency(name, vectors, share, fitted[name]) for share in settings.fractions]
    shown, rows = examples(
        test,
        kept[own][2],
        {name: vectors[2] for name, vectors in kept.items()},
        exam.probabilities[own, "linear"],
        exam.kind,
        ids=ids[test.rows.numpy()],
        items=settings.items,
        queries=settings.queries,
        seed=seed,
    )
    return {
        "probes": exam.rows(),
        "differences": exam.differences(own),
        "label_efficiency": efficiency,
        "calibration": _calibration(own, fitted[own], kept[own], exam),
        "predictions": exam.probabilities[own, "linear"],
        "examples": {"classes": list(task.classes), **shown},
        "rows": rows,
        "rule": RULE,
    }


class _Examination:
    """What all probes share: splits, measures, replicates; and what was found so far."""

    def __init__(
        self, splits: Mapping[str, Labelled], kind: Kind, task: TaskSpec, seed: int, settings: Settings
    ) -> None:
        self.splits, self.kind, self.seed, self.settings = splits, kind, seed, settings
        self.classes = len(task.classes)
        self.metrics = [task.metric, *(name for name in metrics.NAMES if name != task.metric)]
        self.probabilities: dict[tuple[str, str], Tensor] = {}
        self.values: dict[tuple[str, str, str], float] = {}
        self.replicates: dict[tuple[str, str, str], Tensor] = {}

    def linear(
        self, vectors: Sequence[Tensor], train: Tensor | None = None, val: Tensor | None = None
    ) -> logistic.Probe:
        """The probe on these training rows whose strength these validation rows choose; all rows where None."""
        fit, choose = self.splits["train"].labels, self.splits["val"].labels
        x, x_val = vectors[0].float(), vectors[1].float()
        if train is not None and val is not None:
            x, fit, x_val, choose = x[train], fit[train], x_val[val], choose[val]
        path = logistic.path(
            x,
            fit.to(x.device),
            logistic.grid(self.settings.points, 1e-6, 1e2),
            kind=self.kind,
            classes=self.classes,
            max_iterations=300,
            dtype=torch.float32 if len(x) > 5000 else None,
        )
        return logistic.search(path, x_val, choose.to(x.device), patience=3)

    def nearest(self, vectors: Sequence[Tensor]) -> Tensor:
        """Votes of the training samples on the test samples."""
        base = self.splits["train"].labels.to(vectors[0].device)
        return knn.predict(vectors[2].float(), vectors[0].float(), base, self.classes, k=self.settings.k)

    def score(self, encoder: str, probe: str, probabilities: Tensor) -> None:
        """Every measure of the test split, and its replicates."""
        probabilities = probabilities.cpu()
        self.probabilities[encoder, probe] = probabilities
        found = self.resample({name: (name, probabilities) for name in self.metrics})
        for name in self.metrics:
            self.values[encoder, probe, name] = self.value(name, probabilities)
            self.replicates[encoder, probe, name] = found[name]

    def value(self, metric: str, probabilities: Tensor) -> float:
        """The measure of the test split as it is."""
        return float(metrics.measure(metric, self.kind, self.splits["test"].labels, probabilities)[0])

    def resample(self, wanted: Mapping[str, tuple[str, Tensor]]) -> dict[str, Tensor]:
        """Replicates of (measure, probabilities) by name; the same replicates at every call."""
        test = self.splits["test"]

        def statistic(metric: str, probabilities: Tensor) -> bootstrap.Statistic:
            return lambda weights: metrics.measure(metric, self.kind, test.labels, probabilities, weights)

        statistics = {name: statistic(*pair) for name, pair in wanted.items()}
        return bootstrap.replicate(statistics, test.subject, replicates=self.settings.replicates, seed=self.seed)

    def rows(self) -> list[dict[str, Any]]:
        """``probes`` of results.json, the task's own measure first."""
        test = self.splits["test"]
        common = {"n": int(test.subject.max()) + 1, "unit": "images" if test.names is None else "subjects"}
        return [
            {"encoder": encoder, "probe": probe, **_found(metric, value, self.replicates[encoder, probe, metric])}
            | common
            | {"split": "test"}
            for metric in self.metrics
            for (encoder, probe, name), value in self.values.items()
            if name == metric
        ]

    def differences(self, own: str) -> list[dict[str, Any]]:
        """The examined encoder less each baseline under the same probe; its linear probe less the constant."""
        rows = []
        for metric in self.metrics:
            for (encoder, probe, name), value in self.values.items():
                if name != metric or encoder == own:
                    continue
                mine = (own, "linear" if probe == "constant" else probe, metric)
                apart = self.replicates[mine] - self.replicates[encoder, probe, metric]
                found = _found(metric, self.values[mine] - value, apart)
                rows.append({"a": own, "b": encoder, "probe": mine[1], **found})
        return rows

    def efficiency(
        self, encoder: str, vectors: Sequence[Tensor], share: float, whole: logistic.Probe
    ) -> dict[str, Any]:
        """The linear probe on a share of the labels: mean over subsets; the interval draws these and subjects again."""
        metric, train, val = self.metrics[0], self.splits["train"], self.splits["val"]
        wanted, labels = {}, []
        for draw in range(1 if share >= 1 else self.settings.draws):
            subset = _subset(train, self.kind, share, self.seed, draw)
            probe = whole
            if share < 1:
                probe = self.linear(vectors, subset, _subset(val, self.kind, share, self.seed, draw))
            wanted[str(draw)] = (metric, probe.probabilities(vectors[2]).float().cpu())
            labels.append(len(subset))
        values = [self.value(*pair) for pair in wanted.values()]
        found = torch.stack(list(self.resample(wanted).values()))
        again = random.generator("subsets", self.seed).integers(0, len(wanted), found.shape)
        drawn = found.gather(0, torch.from_numpy(again)).mean(0)
        return {
            "encoder": encoder,
            "fraction": float(share),
            "labels": round(float(np.mean(labels))),
            "draws": len(wanted),
            **_found(metric, float(np.mean(values)), drawn),
        }


def _subset(split: Labelled, kind: Kind, share: float, seed: int, draw: int) -> Tensor:
    return torch.from_numpy(np.flatnonzero(nested(split.labels, kind, split.subject, seed, draw) <= share))


def _found(metric: str, value: float, replicates: Tensor) -> dict[str, Any]:
    """Value and interval; None where undefined, as JSON has no NaN."""
    low, high = bootstrap.interval(replicates)
    numbers = {"value": value, "low": low, "high": high}
    return {"metric": metric, **{key: number if number == number else None for key, number in numbers.items()}}


def _calibration(own: str, probe: logistic.Probe, vectors: Sequence[Tensor], exam: _Examination) -> dict[str, Any]:
    """Reliability of the examined encoder's linear probe on the test split."""
    test, val = exam.splits["test"], exam.splits["val"]
    logits = probe.logits(vectors[2]).cpu()
    warmth = calibration.temperature(exam.kind, probe.logits(vectors[1]).cpu(), val.labels)
    cooled = logits / warmth
    cooled = cooled.sigmoid() if exam.kind == "multilabel" else cooled.softmax(1)
    answers = calibration.answers(exam.kind, test.labels, exam.probabilities[own, "linear"])
    better = calibration.expected_error(*calibration.answers(exam.kind, test.labels, cooled))
    return {
        "ece": calibration.expected_error(*answers),
        "bins": [vars(b) for b in calibration.reliability(*answers)],
        "note": f"Linear probe on the test split. Divided by the temperature {warmth:.2f}, chosen on the validation "
        f"split, its logits would have an error of {better:.3f}.",
    }
