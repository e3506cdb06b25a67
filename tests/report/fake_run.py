"""Realistic run directories without a training: what the report is tested and shown on."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from PIL import Image, ImageFilter

FRACTIONS = (0.01, 0.1, 1.0)
ENCODERS = {"pretrained": 0.0, "random init": -0.16, "pixel PCA": -0.09, "mean and deviation": -0.31}
TEN = ("cortex", "white matter", "thalamus", "cerebellum", "brain stem", "ventricle", "putamen", "caudate", "skull", "air")
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
            self.accuracy = _write_predictions(folder, self, rng)
        _json(folder / "run.json", _info(self))
        _json(folder / "results.json", _results(self, rng))
        (folder / "config.yaml").write_text(yaml.safe_dump(_config(self), sort_keys=False, allow_unicode=True))
        (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in _metrics(self, rng)))
        _json(folder / "encoder.json", _card())
        (folder / "encoder.safetensors").write_bytes(b"\0" * 64)
        _json(folder / "left_out.json", [{"id": f"{n:016x}", "reason": "truncated file"} for n in range(3)])
        if self.monitor:
            _write_examples(folder / "examples", self, rng)
        if self.views:
            _write_views(folder / "views.png", rng)
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
    return Fake(name=NASTY[0], title=NASTY[1] + NASTY[6], classes=NASTY, warnings=NASTY, config={"note": NASTY[4], NASTY[0]: 1})


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
        "data": {"train": "mni152", "monitor": "mni152" if fake.monitor else None, "split": {"val": 0.15, "test": 0.25}},
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
            if not fake.collapsed:
                found |= {"monitor/spread/std": round(0.02 + 0.042 * gain, 4), "monitor/spread/rankme": round(18 + 96 * gain, 2)}
            else:
                found |= {"monitor/spread/std": round(0.04 * np.exp(-6 * done), 6), "monitor/spread/rankme": round(1 + 17 * np.exp(-7 * done), 3)}
            rows.append({"step": step, "epoch": round(24 * done, 4), "time": round(0.24 * step, 2), "kind": "monitor", **found})
    if fake.collapsed:
        rows.append({"step": 400, "kind": "notice", "message": "The embedding has collapsed: RankMe fell below 2."})
    return rows


def _results(fake: Fake, rng: np.random.Generator) -> dict[str, Any]:
    train = {
        "name": "mni152",
        "images": 24_000,
        "subjects": None,
        "left_out": 3,
        "channels": 1,
        "stored_size": 48,
        "warnings": [],
        "licence": "ICBM, free for research",
    }
    found: dict[str, Any] = {
        "kind": "pretrain",
        "title": fake.title,
        "verdict": _verdict(fake),
        "data": {"train": train},
        "probes": [],
        "differences": [],
        "cost": {
            "images_per_second": 1043.2,
            "seconds": 307.4,
            "steps": fake.steps,
            "epochs": 24,
            "parameters": 2_797_000,
            "flops_per_image": 78.4e6,
            "peak_memory_mb": 1412.0,
            "wait_share": 0.021,
            "device": "cpu",
            "threads": 2,
            "precision": "bfloat16",
            "time_by_stage": {"decode": 7.1, "train": 246.0, "monitor": 21.5, "examine": 32.8},
        },
        "warnings": list(fake.warnings),
        "absent": {},
    }
    if not fake.monitor:
        found["absent"] = {"probes": "No labelled data was given, so there was nothing to examine the encoder with."}
        found["verdict"] = ["The loss fell from 5.4 to 2.1.", "Without labels there is no baseline to hold it against.", "Give --data.monitor."]
        return found
    n = len(fake.classes)
    share = np.full(n, 1 / n) * np.linspace(1.3, 0.7, n)
    found["data"]["monitor"] = {
        "name": "mni152",
        "task": {"kind": fake.kind, "label": "region", "classes": list(fake.classes)},
        "counts": {
            split: {"images": size, "subjects": None, "per_class": [round(size * float(v)) for v in share]}
            for split, size in (("train", 6000), ("val", 1000), ("test", fake.test))
        },
        "split_by": "image",
        "warnings": ["No subjects are known, so the split is by image."],
    }
    found["data"]["overlap"] = {"sentence": "No monitoring image is among the training images.", "shared_images": 0}
    found["probes"], found["differences"] = _probes(fake, rng)
    found["label_efficiency"] = _efficiency(fake)
    found["calibration"] = _calibration(fake) if fake.kind == "classes" else None
    found["absent"] = {} if fake.kind == "classes" else {"calibration": "Calibration is measured for one class per image."}
    found["checkpoints"] = {
        "chosen_by_labels": {"step": fake.steps * 11 // 12, "metric": f"monitor/linear/{fake.metrics[0]}", "value": fake.accuracy},
        "chosen_by_rankme": {"step": fake.steps, "value": 1.02 if fake.collapsed else 112.9},
        "last": {"step": fake.steps, "metric": f"monitor/linear/{fake.metrics[0]}", "value": fake.accuracy - 0.004},
        "agree": not fake.collapsed,
        "sentence": "The two choices differ by 0.4 percentage points, less than the interval of either.",
    }
    return found


def _verdict(fake: Fake) -> list[str]:
    if fake.collapsed:
        return [
            "The encoder did not learn: its features collapsed at step 400 (RankMe 1.0).",
            "The linear probe is no better than on the network it started from.",
            "Lower the learning rate or lengthen the warm-up, then run again.",
        ]
    return [
        "The encoder learned: a linear probe on its frozen features names the region of a patch in "
        f"{100 * fake.accuracy:.1f} % of test images.",
        "The same network with random weights reaches 16 points less and pixel PCA 9 points less; both differences are "
        "larger than their intervals.",
        "RankMe was still rising at the last step, so train longer before changing anything else.",
    ]


def _half(value: float, n: int) -> float:
    return 1.96 * float(np.sqrt(max(value * (1 - value), 1e-4) / n))


def _probes(fake: Fake, rng: np.random.Generator) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    rows, differences = [], []
    for metric in fake.metrics:
        lift = 0.06 if "auc" in metric and fake.kind == "classes" else 0.0
        for probe, offset in (("linear", 0.0), ("knn", -0.045)):
            for encoder, gap in ENCODERS.items():
                if encoder != "pretrained" and fake.collapsed:
                    gap = {"random init": 0.002, "pixel PCA": 0.11}.get(encoder, -0.1)
                value = float(np.clip(fake.accuracy + lift + gap + (offset if probe == "knn" else 0.0), 0.05, 0.995))
                half = _half(value, fake.test)
                rows.append(
                    {
                        "encoder": encoder,
                        "probe": probe,
                        "metric": metric,
                        "value": value,
                        "low": value - half,
                        "high": min(1.0, value + half * 0.95),
                        "n": fake.test,
                        "unit": "images",
                        "split": "test",
                    }
                )
                if encoder != "pretrained":
                    own = next(r for r in rows if r["encoder"] == "pretrained" and (r["probe"], r["metric"]) == (probe, metric))
                    d = own["value"] - value
                    differences.append(
                        {"a": "pretrained", "b": encoder, "probe": probe, "metric": metric, "value": d, "low": d - 0.021, "high": d + 0.02}
                    )
        value = 0.217 if metric == "accuracy" else 0.5 if metric == "roc_auc" else 1 / max(2, len(fake.classes))
        rows.append(
            {"encoder": "majority", "probe": "constant", "metric": metric, "value": value, "low": value - 0.02, "high": value + 0.02, "n": fake.test, "unit": "images", "split": "test"}
        )
    return rows, differences


def _efficiency(fake: Fake) -> list[dict[str, Any]]:
    rows = []
    for encoder, gap in {k: v for k, v in ENCODERS.items() if k != "mean and deviation"}.items():
        for fraction in FRACTIONS:
            loss = {"pretrained": 0.085, "random init": 0.13, "pixel PCA": 0.15}[encoder] * -np.log10(fraction)
            value = float(max(0.15, fake.accuracy + gap - loss))
            half = 0.013 + 0.012 * float(-np.log10(fraction))
            rows.append(
                {
                    "encoder": encoder,
                    "fraction": fraction,
                    "labels": round(6000 * fraction),
                    "metric": fake.metrics[0],
                    "value": value,
                    "low": value - half,
                    "high": value + half,
                }
            )
    return rows


def _calibration(fake: Fake) -> dict[str, Any]:
    edges = np.linspace(0.25, 0.975, 9)
    counts = (np.exp(np.linspace(0, 3.4, 9)) * 14).round()
    bins = [
        {"confidence": float(c), "accuracy": float(np.clip(c - 0.06 * np.sin(np.pi * c), 0, 1)), "count": int(k)}
        for c, k in zip(edges, counts)
    ]
    return {"ece": 0.031, "bins": bins, "note": "Of the linear probe on the pretrained encoder, test split."}


def _write_predictions(folder: Path, fake: Fake, rng: np.random.Generator) -> float:
    """Write predictions with about the asked accuracy; returns the one they have."""
    import pyarrow as pa
    from pyarrow import parquet

    n, classes = fake.test, len(fake.classes)
    labels = np.random.default_rng(99).integers(0, classes, n)  # the test set is the same for every run
    hard = np.random.default_rng(98).uniform(0, 1, n)
    wrong = 0.7 * hard + 0.3 * rng.uniform(0, 1, n) > np.quantile(0.7 * hard + 0.3 * rng.uniform(0, 1, n), fake.accuracy)
    guess = np.where(wrong, (labels + rng.integers(1, classes, n)) % classes, labels)
    logits = rng.normal(0, 0.6, (n, classes))
    logits[np.arange(n), guess] += 4
    probabilities = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    columns = {"id": [f"{k:016x}" for k in range(n)], "label": labels.astype(float)}
    columns |= {f"prob_{c}": probabilities[:, c] for c in range(classes)}
    parquet.write_table(pa.table(columns), folder / "predictions.parquet")
    return float((probabilities.argmax(1) == labels).mean())


def tile(label: int, rng: np.random.Generator, size: int = 48) -> Image.Image:
    """A grey picture whose texture tells its class: waves of a direction and a scale, blobs, an edge."""
    y, x = np.mgrid[0:size, 0:size] / size
    angle = 0.5 * label + rng.normal(0, 0.12)
    along = np.cos(angle) * x + np.sin(angle) * y
    wave = np.sin(2 * np.pi * (2 + label % 4) * along + rng.uniform(0, 6))
    blob = np.exp(-((x - rng.uniform(0.2, 0.8)) ** 2 + (y - rng.uniform(0.2, 0.8)) ** 2) * rng.uniform(5, 30))
    picture = 110 + 46 * wave * (0.4 + 0.6 * (label % 3)) + 90 * blob + rng.normal(0, 9, (size, size)) - 30 * (label % 2)
    return Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(0.8))


def _write_examples(folder: Path, fake: Fake, rng: np.random.Generator) -> None:
    folder.mkdir(exist_ok=True)
    classes, columns, size = len(fake.classes), 40, 48
    labels = rng.integers(0, classes, fake.items)
    angles = 2 * np.pi * np.arange(classes) / classes
    centres = 9 * np.stack([np.cos(angles), np.sin(angles)], 1) * (0.7 + 0.5 * (np.arange(classes) % 2))[:, None]
    spread = 0.5 if fake.collapsed else 1.0
    places = (centres * (0.05 if fake.collapsed else 1.0))[labels] + rng.normal(0, 1.6 * spread, (fake.items, 2))
    places += 0.8 * np.sin(places[:, ::-1])
    rows = -(-fake.items // columns)
    sprite = Image.new("RGB", (columns * size, rows * size))
    for n, label in enumerate(labels):
        sprite.paste(tile(int(label), rng, size).convert("RGB"), (n % columns * size, n // columns * size))
    sprite.save(folder / "sprite.png")
    wrong = rng.uniform(0, 1, fake.items) > fake.accuracy
    guess = np.where(wrong, (labels + rng.integers(1, classes, fake.items)) % classes, labels)
    sure = np.where(wrong, rng.beta(4, 3, fake.items), rng.beta(9, 1.3, fake.items))
    multi = fake.kind == "multilabel"
    items = [
        {
            "id": f"{0x9E3779B97F4A7C15 * (n + 1) % 2**64:016x}",
            "label": int(labels[n]),
            "subject": None,
            "split": "test",
            "xy": [float(v) for v in places[n]],
            "prediction": None if multi else int(guess[n]),
            "confidence": None if multi else float(sure[n]),
        }
        for n in range(fake.items)
    ]

    def near(query: int, purity: float) -> list[int]:
        same = rng.permutation(np.flatnonzero(labels == labels[query]))
        other = rng.permutation(np.flatnonzero(labels != labels[query]))
        return [int(same[k] if rng.uniform() < purity else other[k]) for k in range(6)]

    queries = [int(np.flatnonzero(labels == c % classes)[c // classes]) for c in range(min(12, 2 * classes))]
    worst = sorted(np.flatnonzero(wrong), key=lambda n: -sure[n])[:24]
    content = {
        "tile": size,
        "columns": columns,
        "classes": list(fake.classes),
        "items": items,
        "neighbours": [{"query": q, "pretrained": near(q, 0.88), "random init": near(q, 0.5)} for q in queries],
        "mistakes": []
        if multi
        else [{"item": int(n), "label": int(labels[n]), "prediction": int(guess[n]), "confidence": float(sure[n])} for n in worst],
        "map_method": "t-SNE, perplexity 30, of the test split",
    }
    _json(folder / "examples.json", content)


def _write_views(path: Path, rng: np.random.Generator) -> None:
    size, rows, columns = 72, 5, 13
    sheet = Image.new("RGB", (columns * (size + 4) - 4, rows * (size + 4) - 4), (246, 244, 240))
    for r in range(rows):
        source = tile(r, rng, 96)
        for c in range(columns):
            if c == 0:
                view = source.resize((size, size))
            else:
                side = int(rng.uniform(38, 96))
                x, y = rng.integers(0, 97 - side, 2)
                view = source.crop((int(x), int(y), int(x) + side, int(y) + side)).resize((size, size), Image.Resampling.BICUBIC)
                view = view.point(lambda v, g=rng.uniform(0.6, 1.35), o=rng.uniform(-30, 30): int(np.clip(v * g + o, 0, 255)))
                if rng.uniform() < 0.4:
                    view = view.filter(ImageFilter.GaussianBlur(rng.uniform(0.5, 2)))
            sheet.paste(view.convert("RGB"), (c * (size + 4), r * (size + 4)))
    sheet.save(path)
