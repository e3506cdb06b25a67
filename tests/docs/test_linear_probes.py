"""docs/linear-probes.md: its commands are run in order on small images, and what it says of fields is the code's."""

from __future__ import annotations

import importlib
import re
import shlex
from pathlib import Path

import pytest

from tests import labelled
from tests.coverage.command_line import vesalius
from tests.test_docs import ROOT, blocks
from vesalius.evaluate.fitting import attending, folds, probing
from vesalius.evaluate.protocols import attentive_probe, label_efficiency, linear, rank

PAGE = "docs/linear-probes.md"


def test_what_the_page_says_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VESALIUS_RUNS", str(tmp_path / "runs"))
    monkeypatch.setattr(importlib.import_module("vesalius.report"), "build", lambda runs, *_: runs[0] / "report.html")  # tested by itself
    monkeypatch.setattr(folds, "FOLDS", 2)
    monkeypatch.setattr(folds, "repeats", lambda pair: 1)
    monkeypatch.setattr(probing.logistic, "grid", lambda *_: [0.01, 1.0])
    monkeypatch.setattr(attending.Training, "steps", lambda self, count: 5)
    (tmp_path / "images").mkdir()
    labelled.images(tmp_path / "images", count=80)
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
    rows = re.findall(r"^\| `--linear\.(\w+)` \| (.+?) \|", page, re.MULTILINE)
    assert {name for name, _ in rows} == set(linear.Config.model_fields)
    assert dict(rows)["strengths"] == str(linear.Config().strengths)
    few = label_efficiency.Config()
    assert f"({', '.join(f'{share:g}' for share in few.shares)})" in page
    assert f"({', '.join(map(str, few.shots))})" in page
    assert f"draws` ({few.draws})" in page
    attentive = attentive_probe.Config()
    assert (attentive.queries, len(attentive.rates)) == (4, 3)
    assert f"weight decay {attentive.weight_decay:g}, {attentive.epochs} passes, at least {attending.Training((1.0,), (1,)).least} steps" in page
    views = rank.Config()
    assert f"({views.lidar_images}) × `--rank.lidar-views` ({views.lidar_views}) = {views.lidar_images * views.lidar_views:,}" in page
    assert probing.PATIENCE == 8
