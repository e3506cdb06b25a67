"""docs/selection-inputs.md: its job and its commands are run on small images."""

from __future__ import annotations

import shlex
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.coverage.command_line import vesalius
from tests.select.lightly_tree import metadata, predictions
from tests.test_docs import ROOT, blocks
from vesalius.data import computed
from vesalius.select.inputs import scores

PAGE = "docs/selection-inputs.md"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VESALIUS_RUNS", str(tmp_path / "runs"))
    names = [f"cam{n % 3}/{n:03}.png" for n in range(15)]
    for number, name in enumerate(names):
        (tmp_path / "images" / name).parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(number).integers(0, 256, (10, 10, 3)).astype(np.uint8)
        Image.fromarray(pixels).save(tmp_path / "images" / name)
    root = tmp_path / "images"
    sure = {name: [{"category_id": n % 2, "probabilities": [0.8, 0.2] if n % 2 == 0 else [0.3, 0.7]}] for n, name in enumerate(names)}
    predictions(root, "weather", "classification", {0: "sunny", 1: "rainy"}, sure)
    objects = {name: [{"category_id": 0, "bbox": [0, 0, 2, 2], "score": 0.6}] * (n % 4) for n, name in enumerate(names)}
    predictions(root, "cells", "object-detection", {0: "white"}, objects)
    schema = [{"name": "Temperature", "path": "weather.temperature", "defaultValue": 20, "valueDataType": "NUMERIC_FLOAT"}]
    metadata(root, schema, {names[0]: {"weather": {"temperature": 7.5}}})
    (root / ".lightly" / "relevant.txt").write_text("cam1/*\ncam2/* cam2/002*\n")
    return tmp_path


def test_its_commands_work(folder: Path) -> None:
    found = blocks(PAGE)
    (folder / "job.yaml").write_text(next(text for language, text in found if language == "yaml"))
    lines = [line for language, text in found if language == "bash" for line in text.splitlines()]
    assert len(lines) == 4
    for line in lines:
        program, *words = shlex.split(line)
        assert program == "vesalius"
        done = vesalius(*words)
        assert done.code == 0, f"{line}\n{done.said}"
    assert len((folder / "to-label.txt").read_text().splitlines()) == 6


def test_it_names_every_computed_key_and_score() -> None:
    text = (ROOT / PAGE).read_text()
    assert all(f"lightly.{name}`" in text for name in computed.NAMES)
    assert all(f"`{name}`" in text for name in scores.NAMES)
