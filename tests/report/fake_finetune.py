"""Fine-tuned runs and predictions without a training, from numbers that fit each other: what their report is tested on."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml

from tests.report import fake_run
from tests.report.fake_pictures import write_examples, write_views
from vesalius.data.task import Kind, TaskSpec
from vesalius.evaluate.finetuned.operating_points import NO_QUESTION, operating_points
from vesalius.evaluate.labelled import Labelled
from vesalius.measures import calibration, curves, metrics
from vesalius.tasks import predictions, scoring
from vesalius.tasks.distribution import distribution

BESIDE = "logistic regression on the same features"


@dataclass
class Tuned:
    """What a fake fine-tuned run is like; ``write`` makes the directory. ``skill``: how far classes lie apart."""

    name: str = "pneumonia-tuned"
    kind: Kind = "binary"
    classes: tuple[str, ...] = ("normal", "pneumonia")
    frozen: bool = False
    skill: float = 2.4
    seed: int = 0
    test: int = 500
    items: int = 150
    steps: int = 240
    warnings: tuple[str, ...] = ("20 % of the training images have no label and were left out.",)
    config: dict[str, Any] = field(default_factory=dict)

    @property
    def task(self) -> TaskSpec:
        labels = tuple(f"l{n}" for n in range(len(self.classes))) if self.kind == "multilabel" else ("finding",)
        return TaskSpec("finding", self.kind, labels, () if self.kind == "regression" else self.classes)

    # what fake_pictures asks of a pretraining
    @property
    def collapsed(self) -> bool:
        return False

    @property
    def accuracy(self) -> float:
        return 0.85

    def write(self, folder: Path) -> Path:
        """Write the run into ``folder`` and return it."""
        folder.mkdir(parents=True, exist_ok=True)
        labels, outputs = _answers(self, self.skill, self.seed)
        _, beside = _answers(self, self.skill - 0.3, self.seed + 1000)
        ids = np.arange(1, self.test + 1, dtype=np.uint64)
        val = predictions.frame(self.task, ids + 10_000, "val", labels, outputs, None)
        predictions.write(folder / "predictions.parquet", [predictions.frame(self.task, ids, "test", labels, outputs, None), val])
        _json(folder / "results.json", _results(self, labels, outputs, beside))
        _json(folder / "run.json", {**fake_run._info(fake_run.Fake(seed=self.seed)), "name": self.name, "verb": "finetune"})
        _json(folder / "encoder.json", fake_run._card())
        _json(folder / "classifier.json", {"task": self.task.as_dict(), "dim": 256, "temperature": 1.4})
        _json(folder / "left_out.json", [{"id": f"{n:016x}", "reason": "truncated file"} for n in range(3)])
        (folder / "encoder.safetensors").write_bytes(b"\0" * 64)
        config = {"data": {"train": "medmnist:pneumoniamnist"}, "encoder": {"freeze": self.frozen}, "seed": self.seed, **self.config}
        (folder / "config.yaml").write_text(yaml.safe_dump(config, allow_unicode=True))
        if not self.frozen:
            (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in _metrics(self)))
            write_views(folder / "views.png", np.random.default_rng(0))
        if self.kind != "regression":
            write_examples(folder / "examples", self, np.random.default_rng(self.seed))  # type: ignore[arg-type]
        return folder


def _answers(tuned: Tuned, skill: float, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Labels, the same for every run, and probabilities or quantities."""
    truth, noise = np.random.default_rng(7), np.random.default_rng(seed + 1)
    n, many = tuned.test, len(tuned.classes)
    if tuned.kind == "regression":
        age = truth.normal(55, 14, n)
        return torch.tensor(age).float(), torch.tensor(age + noise.normal(0, 14 / skill, n)).float()[:, None]
    if tuned.kind == "multilabel":
        present = truth.random((n, many)) < 0.25
        logits = skill * (2 * present - 1) + noise.normal(0, 1.6, (n, many))
        return torch.tensor(present).float(), torch.tensor(1 / (1 + np.exp(-logits))).float()
    labels = truth.integers(0, many, n)
    logits = noise.normal(0, 1, (n, many))
    logits[np.arange(n), labels] += skill
    return torch.tensor(labels).float(), torch.tensor(logits).float().softmax(1)


def _results(tuned: Tuned, labels: torch.Tensor, outputs: torch.Tensor, beside: torch.Tensor) -> dict[str, Any]:
    task = tuned.task
    constant = outputs.mean(0, keepdim=True).expand_as(outputs)
    models = {"fine-tuned": outputs, "majority": constant, BESIDE: beside}
    order = [task.metric, *(name for name in scoring.names(task.kind) if name != task.metric)]
    rows, apart = [], []
    for split in ("test", "val"):
        for metric in order:
            value = {m: float(scoring.measure(metric, task.kind, labels, o)[0]) for m, o in models.items()}
            half = 0.02 if task.kind != "regression" or metric == "r2" else 0.4
            common = {"metric": metric, "n": tuned.test, "unit": "images", "split": split}
            rows += [{"model": m, "value": v, "low": v - half, "high": v + half, **common} for m, v in value.items()]
            for other in ("majority", BESIDE):
                gap = value["fine-tuned"] - value[other]
                apart.append({"a": "fine-tuned", "b": other, "value": gap, "low": gap - half, "high": gap + half, **common})
    per_class = [] if task.kind == "regression" else [tuned.test // len(tuned.classes)] * len(tuned.classes)
    counts = {"images": tuned.test, "subjects": None, "per_class": per_class}
    found: dict[str, Any] = {
        "kind": "finetune",
        "title": f"{tuned.name} on PneumoniaMNIST",
        "frozen": tuned.frozen,
        "data": {
            "labelled": {
                "name": "medmnist:pneumoniamnist",
                "task": task.as_dict(),
                "counts": {"train": {**counts, "images": round(1.25 * tuned.test)}, "val": counts, "test": counts},
                "split_by": "source",
                "left_out": 3,
                "warnings": [],
                "licence": "CC BY 4.0",
            }
        },
        "scores": rows,
        "differences": apart,
        "rule": "The test split is scored once.",
        "verdict": ["It reaches what it reaches.", "It is better than the mean.", "Use it with `vesalius predict`."],
        "head": {"strength": 0.1, "balanced": False, "tried": [{"c": 10.0**k, "val_loss": 0.3 + 0.02 * k * k} for k in range(-5, 3)]},
        "checkpoints": {},
        "cost": {
            "images_per_second": 0.0 if tuned.frozen else 310.0,
            "seconds": 0.0 if tuned.frozen else 64.2,
            "steps": 0 if tuned.frozen else tuned.steps,
            "epochs": 0 if tuned.frozen else 8,
            "parameters": 700_000,
            "peak_memory_mb": 812.0,
            "device": "cpu",
            "threads": 2,
            "precision": "fp32",
            "time_by_stage": {"decode": 2.1, "train": 1e-9 if tuned.frozen else 60.0, "features": 9.3, "examine": 12.0},
        },
        "warnings": list(tuned.warnings),
        "absent": {},
    }
    if tuned.frozen:
        found["absent"] = {"checkpoints": "The encoder is frozen: there is one solution.", "views": "The encoder is frozen: no views."}
    else:
        found["checkpoints"] = {
            "last": {"step": tuned.steps},
            "chosen_by_labels": {"step": tuned.steps // 2, "metric": f"validation/{task.metric}", "value": 0.93},
            "stopped_early": False,
            "sentence": f"Step {tuned.steps // 2} was best on validation.",
        }
    if task.kind == "regression":
        found["absent"] |= dict.fromkeys(("confusion", "curves", "calibration", "mistakes", "map", "neighbours"), "Quantities.")
        return found
    many = task.kind == "multilabel"
    if many:
        found["absent"]["confusion"] = "An image has several labels; the curves show each."
    else:
        found["confusion"] = {"classes": list(tuned.classes), "counts": curves.confusion(labels, outputs).tolist(), "split": "test"}
    roc, pr = [], []
    for column in range(len(tuned.classes)) if many or len(tuned.classes) > 2 else [1]:
        positive = labels[:, column] == 1 if many else labels == column
        ones, score = torch.ones(tuned.test, 1).double(), outputs[:, column]
        (fpr, tpr), (recall, precision) = curves.roc(positive, score), curves.precision_recall(positive, score)
        name = tuned.classes[column]
        roc.append({"class": name, "fpr": fpr, "tpr": tpr, "auc": float(metrics.area_under_roc(positive, score, ones)[0])})
        pr.append({"class": name, "recall": recall, "precision": precision, "ap": float(metrics.average_precision(positive, score, ones)[0])})
        roc[-1] |= {"low": 0.9, "high": 0.99, "band": [[x / 4, 0.8 * x / 4, min(1.0, 0.2 + x / 4)] for x in range(5)]}
    found["curves"] = {"roc": roc, "pr": pr, "split": "test"}
    part = Labelled(torch.arange(tuned.test), labels, np.arange(tuned.test), None)
    points = operating_points(task, "folder", (labels, outputs), (labels, outputs), part, tuned.seed)
    found |= {"operating": points} if points else {}
    found["absent"] |= {} if points else {"operating": NO_QUESTION}
    sides = {}
    for name, shares in (("before", outputs), ("after", outputs**0.7 if many else (outputs**0.7) / (outputs**0.7).sum(1, keepdim=True))):
        answers = calibration.answers(scoring.measured(task.kind), labels, shares)
        sides[name] = {"ece": calibration.expected_error(*answers), "bins": [vars(b) for b in calibration.reliability(*answers)]}
    found["calibration"] = {**sides, "temperature": 1.4, "note": "Temperature 1.40, chosen on the validation split.", "split": "test"}
    return found


def _metrics(tuned: Tuned) -> list[dict[str, Any]]:
    rng, rows = np.random.default_rng(tuned.seed), []
    name = f"monitor/validation/{tuned.task.metric}"
    for step in range(tuned.steps + 1):
        done = step / tuned.steps
        if step % (tuned.steps // 8) == 0:
            look = {name: 0.93 - 0.2 * (done - 0.5) ** 2, "monitor/validation/loss": 0.3 + 0.4 * (done - 0.5) ** 2}
            rows.append({"kind": "monitor", "step": step, "epoch": 8 * done, **look})
        if step:
            loss = 0.2 + 0.5 * float(np.exp(-4 * done)) + float(rng.normal(0, 0.03))
            rows.append({"kind": "train", "step": step, "epoch": 8 * done, "loss": loss, "loss/supervised": loss, "lr": 1e-3 * (1 - done)})
    return rows


@dataclass
class Repeated:
    """A fine-tuning with three seeds."""

    name: str = "three-seeds"

    def write(self, folder: Path) -> Path:
        """Write the run, its seeds in folders of their own, and return it."""
        from vesalius.evaluate.finetuned.over_seeds import summarise

        seeds = (1, 2, 3)
        found = []
        for seed in seeds:
            one = Tuned(name=f"seed-{seed}", seed=seed).write(folder / f"seed-{seed}")
            found.append(json.loads((one / "results.json").read_text()))
        scores = summarise([results["scores"] for results in found])
        _json(
            folder / "results.json",
            {
                **{key: found[0][key] for key in ("kind", "frozen", "data")},
                "title": "Pneumonia, 3 seeds",
                "verdict": ["Over 3 seeds it reaches this.", "Beside it: that."],
                "seeds": list(seeds),
                "scores": scores,
                "warnings": [],
                "absent": {"curves": "This run repeats another with 3 seeds."},
            },
        )
        _json(folder / "run.json", {**fake_run._info(fake_run.Fake()), "name": self.name, "verb": "finetune"})
        (folder / "config.yaml").write_text("seeds: [1, 2, 3]\n")
        return folder


@dataclass
class Predicted:
    """A prediction of new images."""

    tuned: Tuned = field(default_factory=Tuned)

    def write(self, folder: Path) -> Path:
        """Write the run and return it."""
        folder.mkdir(parents=True, exist_ok=True)
        _, outputs = _answers(self.tuned, 2.0, 5)
        results = {
            "kind": "predict",
            "title": "Predictions for folder 1a2b3c",
            "rows": len(outputs),
            "task": self.tuned.task.as_dict(),
            "temperature": 1.4,
            "precision": "fp32",
            "weights": "9f2c41d07e5b8a33",
            "data": "folder 1a2b3c",
            "left_out": 3,
            "warnings": [],
            "distribution": distribution(self.tuned.task, outputs.numpy()),
            "file": "predictions.parquet",
        }
        _json(folder / "results.json", results)
        _json(folder / "run.json", {**fake_run._info(fake_run.Fake()), "name": "folder", "verb": "predict"})
        reasons = ("truncated file", "truncated file", "it has 3 channels, the encoder takes 1")
        _json(folder / "left_out.json", [{"id": f"{n:016x}", "reason": reason} for n, reason in enumerate(reasons)])
        (folder / "config.yaml").write_text("run: /home/somebody/private/tuned\ndata: /home/somebody/private/images\n")
        return folder


AGES = Tuned(name="age", kind="regression", classes=(), skill=3.0)
CHEST = Tuned(name="chest", kind="multilabel", classes=("atelectasis", "cardiomegaly", "edema", "effusion"))

VARIANTS: dict[str, Callable[[], Any]] = {
    "binary": Tuned,
    "frozen": lambda: Tuned(name="frozen", frozen=True),
    "ten": lambda: Tuned(name="ten", kind="classes", classes=fake_run.TEN, skill=2.6, test=1500),
    "forty": lambda: Tuned(name="forty", kind="classes", classes=tuple(f"organ {n}" for n in range(40)), skill=3.0, test=2000, items=400),
    "ordinal": lambda: Tuned(name="grades", kind="ordinal", classes=("none", "mild", "moderate", "severe")),
    "many_labels": lambda: CHEST,
    "quantity": lambda: AGES,
    "nasty_names": lambda: Tuned(name=fake_run.NASTY[0], kind="classes", classes=fake_run.NASTY, warnings=fake_run.NASTY),
    "seeds": Repeated,
    "predict": Predicted,
    "predict_quantity": lambda: Predicted(AGES),
    "predict_labels": lambda: Predicted(CHEST),
}


def _json(path: Path, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n")
