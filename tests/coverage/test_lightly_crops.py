"""Lightly 7: train on object crops only; and what goes with it: embed crops, select images by their objects or tiles."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from tests.coverage.command_line import vesalius
from tests.recipes.tiny import tiny

SIDE, CELL = 40, 10
COUNTS = [(4, 0)] * 9 + [(3, 1), (1, 3), (0, 4)]
"""Round cells and square ones in each image."""


def write(root: Path) -> Path:
    """Images with cells at four places, and ``.lightly/predictions/cells``."""
    rng = np.random.default_rng(0)
    folder = root / ".lightly" / "predictions"
    (folder / "cells").mkdir(parents=True)
    (folder / "tasks.json").write_text('["cells"]')
    categories = [{"id": 0, "name": "round"}, {"id": 1, "name": "square"}]
    (folder / "cells" / "schema.json").write_text(json.dumps({"task_type": "object-detection", "categories": categories}))
    down, across = np.mgrid[:CELL, :CELL] - (CELL - 1) / 2
    shapes = (np.hypot(down, across) < CELL / 2 - 1, np.maximum(abs(down), abs(across)) < CELL / 2 - 2)
    colours = np.array([[210, 90, 90], [60, 60, 200]])
    for number, counts in enumerate(COUNTS):
        image = np.full((SIDE, SIDE, 3), 235) + rng.integers(-8, 9, (SIDE, SIDE, 3))
        found = []
        for place, kind in enumerate([0] * counts[0] + [1] * counts[1]):
            x, y = 4 + 20 * (place % 2) + int(rng.integers(0, 4)), 4 + 20 * (place // 2) + int(rng.integers(0, 4))
            image[y : y + CELL, x : x + CELL][shapes[kind]] = colours[kind] + rng.integers(-20, 21, 3)
            found.append({"category_id": kind, "bbox": [x, y, CELL, CELL], "score": 0.9})
        name = f"slide_{number:02d}"
        Image.fromarray(image.clip(0, 255).astype(np.uint8)).save(root / f"{name}.png")
        (folder / "cells" / f"{name}.json").write_text(json.dumps({"file_name": f"{name}.png", "predictions": found}))
    return root


@pytest.fixture(scope="module")
def slides(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("slides"))


def test_train_on_crops_and_look_at_them(slides: Path, tmp_path: Path) -> None:
    data = f"crops@{slides}:padding=0.2"
    recipe = tiny("", batch_size=8, epochs=1, monitors=["spread"])
    del recipe["steps"], recipe["data"]["monitor"]
    (tmp_path / "recipe.yaml").write_text(json.dumps(recipe))
    run = tmp_path / "run"
    told = vesalius("pretrain", str(tmp_path / "recipe.yaml"), "--data.train", data, out=run)
    assert told.code == 0, told.said
    assert json.loads((run / "run.json").read_text())["state"] == "done"
    assert sum(row["kind"] == "step" or "loss" in row for row in map(json.loads, (run / "metrics.jsonl").read_text().splitlines())) >= 1
    told = vesalius("embed", "--encoder", str(run), "--data", data, out=tmp_path / "objects.csv")
    assert told.code == 0, told.said
    objects = pd.read_csv(tmp_path / "objects.csv")
    assert len(objects) == 4 * len(COUNTS)
    assert objects["box"].str.fullmatch(r"\d+ \d+ 12 12").all(), "a tenth on either side of 10 px"
    assert objects.groupby("uri")["subject"].nunique().max() == 1


def test_train_embed_and_select_by_objects(slides: Path, tmp_path: Path) -> None:
    job = {
        "worker_config": {"enable_training": True, "training": {"task_name": "cells"}},
        "selection_config": {
            "n_samples": 3, "strategies": [{"input": {"type": "EMBEDDINGS", "task": "cells"}, "strategy": {"type": "DIVERSITY"}}],
        },
        "lightly_config": {"trainer": {"max_epochs": 1}, "loader": {"batch_size": 8}, "collate": {"input_size": 16}, "model": {"name": "resnet-18"}},
        "data": str(slides),
        "training": {"recipe": {"encoder": {"name": "resnet18", "width": 0.0625, "stem": "small"}, "examine": False}},
        "threads": 1,
    }  # fmt: skip
    (tmp_path / "job.yaml").write_text(json.dumps(job))
    told = vesalius("select", str(tmp_path / "job.yaml"), "--write", f"filenames={tmp_path / 'selected.txt'}", out=tmp_path / "run")
    assert told.code == 0, told.said
    names = (tmp_path / "selected.txt").read_text().split()
    assert len(names) == 3
    kept = np.load(tmp_path / "run" / "objects-cells.npy")
    assert len(kept) == 4 * len(COUNTS)
    trained = json.loads((tmp_path / "run" / "training" / "run.json").read_text())
    assert trained["state"] == "done"
    with_square = {f"slide_{number:02d}.png" for number, counts in enumerate(COUNTS) if counts[1]}
    assert with_square & set(names), "images with a kind of object that the others lack are the most diverse"
    held = [file.name for file in (tmp_path / "run").rglob("*") if file.is_file() and b"slide_" in file.read_bytes()]
    assert held == [], "a run names no file"


def test_tiles_as_objects(slides: Path, tmp_path: Path) -> None:
    job = {
        "selection_config": {
            "n_samples": 2,
            "strategies": [{"input": {"type": "EMBEDDINGS", "task": "grid"}, "strategy": {"type": "DIVERSITY"}}],
            "auto_tasks": [{"type": "TILING", "name": "grid", "num_rows": 2, "num_cols": 2, "overlap": 0.1}],
        },
        "data": str(slides), "encoder": "resnet18", "threads": 1,
    }  # fmt: skip
    (tmp_path / "job.yaml").write_text(json.dumps(job))
    told = vesalius("select", str(tmp_path / "job.yaml"), out=tmp_path / "run")
    assert told.code == 0, told.said
    assert len(np.load(tmp_path / "run" / "objects-grid.npy")) == 4 * len(COUNTS)
