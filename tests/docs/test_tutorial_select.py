"""docs/tutorial-select.md: every block is run in order, on small images, with a small network."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import numpy as np
import pytest

from tests.coverage.command_line import vesalius
from tests.test_docs import ROOT, blocks, images
from vesalius.measures import map2d

PAGE = "docs/tutorial-select.md"
JOB = ("--model.width", "0.0625", "--training.augmentation.image_size", "16", "--training.epochs", "1")
CLASSIFIER = ("--epochs", "1", "--batch_size", "8", "--debug", "true")


def _labels_and_slides(here: Path) -> None:
    """What came back from labelling, and images with boxes."""
    names = sorted(p.relative_to(here).as_posix() for p in (here / "images").rglob("*.png"))
    (here / "labelled.csv").write_text("file,label\n" + "".join(f"{name},{name.split('/')[1]}\n" for name in names))
    images(here / "slides")
    task = here / "slides" / ".lightly" / "predictions" / "cells"
    files = {task.parent / "tasks.json": ["cells"], task / "schema.json": {"task_type": "object-detection", "categories": [{"id": 0, "name": "round"}]}}
    for name in ("left/1", "left/2", "right/3", "right/4", "right/5"):
        boxes = [{"category_id": 0, "bbox": [x, 4, 16, 16], "score": 0.9} for x in (2, 24)]
        files[task / f"{name}.json"] = {"file_name": f"{name}.png", "predictions": boxes}
    for place, content in files.items():
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(json.dumps(content))


def test_what_the_page_says_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VESALIUS_RUNS", str(tmp_path / "runs"))
    plain = lambda vectors, **rest: map2d.Map(np.asarray(vectors[:, :2], np.float64).clip(0, 1), "two numbers")  # noqa: E731
    monkeypatch.setattr(map2d, "tsne", plain)  # nine maps that nobody looks at
    images(tmp_path / "images")
    _labels_and_slides(tmp_path)
    for language, text in blocks(PAGE):
        if language == "yaml":
            (tmp_path / "job.yaml").write_text(text)
            continue
        if language == "python":
            known: dict[str, object] = {}
            exec(compile(text, PAGE, "exec"), known)
            assert len(known["done"].names) == 5  # type: ignore[attr-defined]
            continue
        for line in text.splitlines():
            program, *words = shlex.split(line)
            assert program == "vesalius"
            small = JOB if "job.yaml" in words else CLASSIFIER if words[0] == "finetune" else ()
            done = vesalius(*words, *small, *(("--threads", "1") if words[0] in ("select", "finetune") else ()))
            assert done.code == 0, f"{line}\n{done.said}"
    first, second = (set((tmp_path / name).read_text().splitlines()) for name in ("to-label.txt", "second.txt"))
    assert (len(first), len(second), first & second) == (8, 8, set())
    assert not set((tmp_path / "monday.txt").read_text().split()) & set((tmp_path / "tuesday.txt").read_text().split())
    assert len(list((tmp_path / "to-label").rglob("*.png"))) == 8
    assert list((tmp_path / "objects" / "round").glob("*.png"))


def test_the_page_stays_short() -> None:
    assert len((ROOT / PAGE).read_text().splitlines()) <= 150
