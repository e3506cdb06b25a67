"""docs/few-shot.md: its commands are run in order on small images, and its table of fields is the code's."""

from __future__ import annotations

import importlib
import re
import shlex
from pathlib import Path

import pytest

from tests import labelled
from tests.coverage.command_line import vesalius
from tests.test_docs import ROOT, blocks
from vesalius.evaluate.fitting import folds
from vesalius.evaluate.protocols.few_shot import Config
from vesalius.evaluate.protocols.knn import Config as Neighbours
from vesalius.measures import logistic

PAGE = "docs/few-shot.md"


def test_what_the_page_says_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VESALIUS_RUNS", str(tmp_path / "runs"))
    monkeypatch.setattr(importlib.import_module("vesalius.report"), "build", lambda runs, *_: runs[0] / "report.html")  # tested by itself
    monkeypatch.setattr(folds, "FOLDS", 2)
    monkeypatch.setattr(logistic, "grid", lambda: [0.01, 1.0])
    monkeypatch.setattr(folds, "repeats", lambda pair: 1)
    (tmp_path / "images").mkdir()
    labelled.images(tmp_path / "images", count=120).rename(tmp_path / "images" / "north.csv")
    labelled.changed(tmp_path / "images" / "north.csv", "south.csv", ill=lambda frame: frame["ill"].sample(frac=1, random_state=0).to_numpy())
    for name in ("a", "b"):
        labelled.encoder(tmp_path / "runs" / name)
    run = 0
    for _, text in blocks(PAGE):
        for line in text.splitlines():
            done = vesalius(*shlex.split(line)[1:], "--replicates", "100", "--device", "cpu")
            assert done.code == 0, f"{line}\n{done.said}"
            run += 1
    assert run == 4


def test_its_defaults_are_the_codes() -> None:
    page = (ROOT / PAGE).read_text()
    fields = Config.model_fields
    rows = {name: row for row in re.findall(r"^\| (`--.+?) \|$", page, re.MULTILINE) for name in re.findall(r"`--([\w]+)`", row.partition("|")[0])}
    assert set(rows) == set(fields)
    assert f"{fields['shot'].default}, {fields['queries'].default}" in rows["shot"]
    assert str(fields["episodes"].default) in rows["episodes"]
    assert all(f"`{fields[name].default}`" in rows[name] for name in ("variant", "centre", "pool"))
    assert ",".join(map(str, Neighbours().k)) in page
