"""Lightly's inputs that are not embeddings, and what it knows of files: one job in the original's own spelling, through the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image

from tests.coverage.command_line import Done, vesalius
from tests.select.lightly_tree import metadata, predictions

WEATHER = {0: "sunny", 1: "rainy"}


def pixels(number: int) -> np.ndarray:
    """The first four are flat, and so not sharp."""
    noise = np.random.default_rng(number)
    return noise.integers(0, 256, (12, 14, 3)).astype(np.uint8) if number >= 4 else np.full((12, 14, 3), 9 + number, np.uint8)


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty images of two cameras with metadata, a classification and a detection; one is there twice, two are not meant."""
    root = tmp_path_factory.mktemp("mine")
    names = [f"cam{n % 2}/{n:02}.png" for n in range(20)]
    for number, name in enumerate(names):
        (root / name).parent.mkdir(exist_ok=True)
        Image.fromarray(pixels(number)).save(root / name)
    (root / "cam0" / "copy.png").write_bytes((root / names[6]).read_bytes())
    for name in ("left out.png", "left out too.png"):
        Image.fromarray(pixels(50)).save(root / name)
    sure = np.linspace(0.55, 0.99, 20)
    said = [{"category_id": int(n % 4 == 0), "probabilities": [1 - p, p] if n % 4 == 0 else [p, 1 - p]} for n, p in enumerate(sure.tolist())]
    predictions(root, "weather", "classification", WEATHER, {name: [one] for name, one in zip(names, said)})
    predictions(root, "cells", "object-detection", {0: "white"}, {
        name: [{"category_id": 0, "bbox": [1, 1, 4, 4], "score": 0.9}] * (n % 5) for n, name in enumerate(names)})  # fmt: skip
    schema = [{"name": "Risk", "path": "patient.risk", "defaultValue": 0, "valueDataType": "NUMERIC_FLOAT"}]
    metadata(root, schema, {name: {"patient": {"risk": n / 20}} for n, name in enumerate(names)})
    (root / ".lightly" / "relevant.txt").write_text("cam0/*\ncam1/* cam1/19*\ngone.png\n")
    return root


def select(images: Path, out: Path, n: int, *entries: tuple[dict[str, Any], dict[str, Any]], **worker: Any) -> Done:
    config = out.with_suffix(".yaml")
    strategies = [{"input": source, "strategy": strategy} for source, strategy in entries]
    said = {"selectionConfig": {"nSamples": n, "lightlyPathRegex": "(?P<camera>cam[0-9])/", "strategies": strategies}, "workerConfig": worker}
    config.write_text(yaml.safe_dump(said))
    return vesalius("select", str(config), "--data", str(images), out=out)


def names_of(done: Done, images: Path, tmp_path: Path) -> list[str]:
    file = tmp_path / "names.txt"
    again = vesalius("select", "--resume", str(done.folder), "--write", f"filenames={file}")
    assert again.code == 0, again.said
    return file.read_text().splitlines()


def test_thresholds_balance_scores_and_ranges_in_one_job(images: Path, tmp_path: Path) -> None:
    done = select(
        images, tmp_path / "all", 6,
        ({"type": "METADATA", "key": "lightly.sharpness"}, {"type": "THRESHOLD", "threshold": 10, "operation": "BIGGER"}),
        ({"type": "METADATA", "key": "patient.risk"}, {"type": "THRESHOLD", "threshold": 0.9, "operation": "SMALLER_EQUAL"}),
        ({"type": "PREDICTIONS", "task": "weather", "name": "CLASS_DISTRIBUTION"}, {"type": "BALANCE", "target": {"rainy": 0.5, "sunny": 0.5}, "strength": 20}),
        ({"type": "METADATA", "key": "camera"}, {"type": "BALANCE", "distribution": "UNIFORM", "strength": 5}),
        ({"type": "SCORES", "task": "weather", "score": "uncertainty_entropy"}, {"type": "WEIGHTS", "strength": 0.5}),
        ({"type": "PREDICTIONS", "task": "cells", "name": "CATEGORY_COUNT"}, {"type": "TARGET_RANGE", "maxSum": 14}),
        relevantFilenamesFile=".lightly/relevant.txt",
    )  # fmt: skip
    assert done.code == 0, done.said
    assert "gone.png" in done.said
    assert "cam0/copy.png" in done.said, "one of two equal files is left out, by name"
    names = names_of(done, images, tmp_path)
    numbers = [int(name[-6:-4]) for name in names]
    assert len(set(numbers)) == 6
    assert all(4 <= n <= 18 for n in numbers), "the flat ones are not sharp, and 19 is not meant"
    assert sum(n % 5 for n in numbers) <= 14
    assert 2 <= sum(n % 4 == 0 for n in numbers) <= 4, "of two weathers as many"
    text = (done.folder / "report.html").read_text() + (done.folder / "results.json").read_text()
    assert "cam0/" not in text, "no file is named in what may be passed on"


def test_a_word_that_is_nearly_right_is_answered_with_the_right_one(images: Path, tmp_path: Path) -> None:
    for source, strategy, near in (
        ({"type": "METADATA", "key": "lightly.sharpnes"}, {"type": "WEIGHTS"}, "Did you mean lightly.sharpness"),
        ({"type": "PREDICTIONS", "task": "wether", "name": "CLASS_DISTRIBUTION"}, {"type": "BALANCE", "distribution": "UNIFORM"}, "Did you mean weather"),
        ({"type": "PREDICTIONS", "task": "weather"}, {"type": "BALANCE", "target": {"sunni": 1}}, "Did you mean sunny"),
    ):
        done = select(images, tmp_path / near.split()[-1], 2, (source, strategy))
        assert done.code == 2
        assert near in done.said
