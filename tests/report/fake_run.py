"""Realistic run directories without a training: what the report is tested and shown on."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from tests.report.fake_pictures import write_examples, write_predictions, write_views
from tests.report.fake_results import results

TEN = (
    "cortex",
    "white matter",
    "thalamus",
    "cerebellum",
    "brain stem",
    "ventricle",
    "putamen",
    "caudate",
    "skull",
    "air",
)
NASTY = (
    "<script>document.title='owned'</script>",
    "<img src=x onerror=\"document.title='owned'\">",
    "שלום עולם تجربة",
    "🧠 émoji & “quotes” ' \"",
    "</script><b>bold</b>",
    "{{ 7 * 7 }} {% raw %}",
    "a_very_long_class_name_without_any_space_that_would_otherwise_push_the_page_wider_than_its_window_" * 2,
)


@dataclass
class Fake:
    """What a fake run is like; ``write`` makes the directory."""

    name: str = "mni152-region-simclr"
    title: str = "SimCLR on patches of a head"
    classes: tuple[str, ...] = TEN[:6]
    kind: str = "classes"
    metrics: tuple[str, ...] = ("accuracy", "balanced_accuracy", "roc_auc", "pr_auc")
    accuracy: float = 0.872
    monitor: bool = True
    collapsed: bool = False
    steps: int = 1200
    items: int = 900
    test: int = 1200
    seed: int = 0
    config: dict[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ("12 images are exact copies of others in the training set.",)
    predictions: bool = True
    views: bool = True

    def write(self, folder: Path) -> Path:
        """Write the run into ``folder`` and return it."""
        folder.mkdir(parents=True, exist_ok=True)
        rng = np.random.default_rng(self.seed)
        if self.predictions and self.monitor and self.kind == "classes":
            self.accuracy = write_predictions(folder, self, rng)
        _json(folder / "run.json", _info(self))
        _json(folder / "results.json", results(self))
        (folder / "config.yaml").write_text(yaml.safe_dump(_config(self), sort_keys=False, allow_unicode=True))
        (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in _metrics(self, rng)))
        _json(folder / "encoder.json", _card())
        (folder / "encoder.safetensors").write_bytes(b"\0" * 64)
        _json(folder / "left_out.json", [{"id": f"{n:016x}", "reason": "truncated file"} for n in range(3)])
        if self.monitor:
            write_examples(folder / "examples", self, rng)
        if self.views:
            write_views(folder / "views.png", rng)
        return folder


def full(**changes: Any) -> Fake:
    return Fake(**changes)


def without_monitor() -> Fake:
    return Fake(name="no-labels", title="Pretrained without labels", monitor=False)


def collapsed() -> Fake:
    return Fake(name="collapsed", title="A run that collapsed", collapsed=True, accuracy=0.55, predictions=False)


def multilabel() -> Fake:
    return Fake(
        name="chest-five",
        title="BYOL on chest radiographs",
        classes=("atelectasis", "cardiomegaly", "consolidation", "edema", "pleural effusion"),
        kind="multilabel",
        metrics=("roc_auc", "pr_auc"),
        accuracy=0.842,
    )


def single_metric() -> Fake:
    return Fake(name="one-number", metrics=("accuracy",), classes=TEN[:3], views=False, predictions=False)


def ten_classes() -> Fake:
    return Fake(name="ten", classes=TEN, items=1500)


def nasty() -> Fake:
    return Fake(
        name=NASTY[0], title=NASTY[1] + NASTY[6], classes=NASTY, warnings=NASTY, config={"note": NASTY[4], NASTY[0]: 1}
    )


VARIANTS = {
    "full": full,
    "without_monitor": without_monitor,
    "collapsed": collapsed,
    "multilabel": multilabel,
    "single_metric": single_metric,
    "ten_classes": ten_classes,
    "nasty": nasty,
}


def _json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n")


def _info(fake: Fake) -> dict[str, Any]:
    return {
        "id": f"20261121-0912{fake.seed:02d}-a1b2c3",
        "name": fake.name,
        "verb": "pretrain",
        "state": "done",
        "started": "2026-11-21T09:12:04+00:00",
        "finished": "2026-11-21T09:17:11+00:00",
        "git": "8568b53d0c6f4e1a9b2c",
        "versions": {"vesalius": "0.1.0", "torch": "2.14.1", "python": "3.11.4"},
        "device": "cpu",
        "threads": 2,
        "world": 1,
    }


def _config(fake: Fake) -> dict[str, Any]:
    base = {
        "data": {
            "train": "mni152",
            "monitor": "mni152" if fake.monitor else None,
            "split": {"val": 0.15, "test": 0.25},
        },
        "views": "simclr",
        "encoder": {"name": "resnet18", "stem": "small", "width": 32, "weights": None},
        "method": {"name": "simclr", "temperature": 0.2, "projector": [512, 128]},
        "optimizer": {"name": "lars", "lr": 1.2, "weight_decay": 1e-6, "warmup": 0.05},
        "epochs": 24,
        "batch_size": 256,
        "precision": "auto",
        "seed": fake.seed,
        "monitors": [{"name": "linear", "every": {"epochs": 2}}, {"name": "knn", "k": 20}],
    }
    for key, value in fake.config.items():
        place: Any = base
        *path, last = key.split(".") if not key.startswith("<") else [key]
        for part in path:
            place = place[part]
        place[last] = value
    return base


def _card() -> dict[str, Any]:
    return {
        "architecture": "resnet18",
        "options": {"stem": "small", "width": 32},
        "channels": 1,
        "size": [48, 48],
        "dim": 256,
        "pooling": "average",
        "preprocessing": [{"name": "standardise"}],
        "weights": "9f2c41d07e5b8a3366c0d1e2f3a4b5c6",
        "trained_on": "mni152 patches",
        "licence": "CC-BY",
        "notes": [],
    }


def _metrics(fake: Fake, rng: np.random.Generator) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for step in range(1, fake.steps + 1):
        done = step / fake.steps
        loss = 0.02 + 0.4 * np.exp(-9 * done) if fake.collapsed else 2.05 + 3.4 * np.exp(-5.5 * done)
        loss += rng.normal(0, 0.005 if fake.collapsed else 0.09)
        row = {
            "step": step,
            "epoch": round(24 * done, 4),
            "time": round(0.24 * step, 2),
            "kind": "train",
            "loss": round(float(loss), 5),
            "loss/ntxent": round(float(loss) * 0.94, 5),
            "lr": round(1.2 * min(done / 0.05, 0.5 + 0.5 * float(np.cos(np.pi * done))), 6),
            "grad_norm": round(float(np.exp(rng.normal(0.1 - done, 0.2))), 4),
            "images_per_second": round(1040 + float(rng.normal(0, 25)), 1),
            "wait_share": round(abs(float(rng.normal(0.02, 0.01))), 4),
        }
        rows.append(row)
        if fake.monitor and step % (fake.steps // 12) == 0:
            gain = 1 - np.exp(-4 * done)
            found = {}
            for name, offset in (("linear", 0.0), ("knn", -0.045)):
                for metric in fake.metrics:
                    top = fake.accuracy + (0.06 if "auc" in metric and fake.kind == "classes" else 0.0)
                    found[f"monitor/{name}/{metric}"] = round(
                        float(np.clip(0.45 + (top - 0.45 + offset) * gain + rng.normal(0, 0.006), 0, 1)), 4
                    )
            found["monitor/linear/train_loss"] = round(2.0 - 1.7 * gain, 4)
            found["monitor/linear/val_loss"] = round(2.0 - 1.5 * gain, 4)
            found[f"monitor/linear/train_{fake.metrics[0]}"] = min(
                1.0, round(found[f"monitor/linear/{fake.metrics[0]}"] + 0.02 * gain, 4)
            )
            found["monitor/spread/collapsed"] = float(fake.collapsed and done > 0.3)
            if not fake.collapsed:
                found |= {
                    "monitor/spread/std": round(0.02 + 0.042 * gain, 4),
                    "monitor/spread/rankme": round(18 + 96 * gain, 2),
                }
            else:
                found |= {
                    "monitor/spread/std": round(0.04 * np.exp(-6 * done), 6),
                    "monitor/spread/rankme": round(1 + 17 * np.exp(-7 * done), 3),
                }
            rows.append(
                {"step": step, "epoch": round(24 * done, 4), "time": round(0.24 * step, 2), "kind": "monitor", **found}
            )
    if fake.collapsed:
        rows.append({"step": 400, "kind": "notice", "text": "Collapse at step 400: RankMe fell below 2."})
    return rows
