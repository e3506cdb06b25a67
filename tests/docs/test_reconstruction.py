"""docs/reconstruction.md: its commands are run in order on small images, and its numbers are the code's."""

from __future__ import annotations

import importlib
import shlex
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests import labelled
from tests.coverage.command_line import vesalius
from tests.test_docs import ROOT, blocks
from vesalius.evaluate.protocols import reconstruction
from vesalius.evaluate.reconstructed import generator, inverting

PAGE = "docs/reconstruction.md"


def test_what_the_page_says_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VESALIUS_RUNS", str(tmp_path / "runs"))
    monkeypatch.setattr(importlib.import_module("vesalius.report"), "build", lambda runs, *_: runs[0] / "report.html")  # tested by itself
    for name in ("first", "second"):
        labelled.encoder(tmp_path / "runs" / name)
    for file in ("scans/0.png", *(f"images/{name}/{number}.png" for name in "ab" for number in range(4))):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.random.default_rng(len(file)).integers(0, 255, (20, 24), dtype=np.uint8)).save(tmp_path / file)
    ((_, text),) = blocks(PAGE)
    for line in text.splitlines():
        done = vesalius(*shlex.split(line)[1:], "--replicates", "100", "--device", "cpu", "--iterations", "2", "--size", "16")
        assert done.code == 0, f"{line}\n{done.said}"
    assert len(list((tmp_path / "runs" / "two" / "reconstruction").rglob("*.seed-2.png"))) == 2 * 2


def test_its_numbers_are_the_codes() -> None:
    page = (ROOT / PAGE).read_text()
    assert f"{reconstruction.ITERATIONS:,}; {reconstruction.ORIGINAL:,} under" in page
    assert f"{generator.Generators([0], 3, (224, 224)).parameters_each:,} parameters" in page
    assert ", ".join(str(one) for one in generator.CHANNELS[:-1]) + f" and {generator.CHANNELS[-1]} channels" in page
    assert ", ".join(str(one) for one in generator.KERNELS[:-1]) + f" and {generator.KERNELS[-1]}" in page
    assert f"every {inverting.SAVED_EVERY} iterations" in page
    assert all(f"`{metric}`" in page for metric in reconstruction.METRICS)
