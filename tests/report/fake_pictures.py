"""The pictures and predictions of a fake run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageFilter

if TYPE_CHECKING:
    from tests.report.fake_run import Fake


def write_predictions(folder: Path, fake: Fake, rng: np.random.Generator) -> float:
    """Write predictions with about the asked accuracy; returns the one they have."""
    import pyarrow as pa
    from pyarrow import parquet

    n, classes = fake.test, len(fake.classes)
    labels = np.random.default_rng(99).integers(0, classes, n)  # the test set is the same for every run
    hard = np.random.default_rng(98).uniform(0, 1, n)
    wrong = 0.7 * hard + 0.3 * rng.uniform(0, 1, n) > np.quantile(
        0.7 * hard + 0.3 * rng.uniform(0, 1, n), fake.accuracy
    )
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
    picture = (
        110 + 46 * wave * (0.4 + 0.6 * (label % 3)) + 90 * blob + rng.normal(0, 9, (size, size)) - 30 * (label % 2)
    )
    return Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(0.8))


def write_examples(folder: Path, fake: Fake, rng: np.random.Generator) -> None:
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
        return [int(same[k % len(same)] if rng.uniform() < purity else other[k]) for k in range(6)]

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
        else [
            {"item": int(n), "label": int(labels[n]), "prediction": int(guess[n]), "confidence": float(sure[n])}
            for n in worst
        ],
        "map_method": "t-SNE, perplexity 30, of the test split",
    }
    (folder / "examples.json").write_text(json.dumps(content))


def write_views(path: Path, rng: np.random.Generator) -> None:
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
                view = source.crop((int(x), int(y), int(x) + side, int(y) + side)).resize(
                    (size, size), Image.Resampling.BICUBIC
                )
                gain, shift = rng.uniform(0.6, 1.35), rng.uniform(-30, 30)
                view = view.point([int(np.clip(v * gain + shift, 0, 255)) for v in range(256)])
                if rng.uniform() < 0.4:
                    view = view.filter(ImageFilter.GaussianBlur(rng.uniform(0.5, 2)))
            sheet.paste(view.convert("RGB"), (c * (size + 4), r * (size + 4)))
    sheet.save(path)
