"""docs/invariance.md: its commands are run on small images, those of gated data are read, and its table is the simulation's."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from docs.proofs import whitened

from tests.coverage.command_line import vesalius
from tests.test_docs import ROOT, blocks, images
from vesalius.cli import app
from vesalius.encoders import build_encoder, save_encoder
from vesalius.evaluate.protocols import invariance, multiview_invariance

PAGE = "docs/invariance.md"


def test_what_the_page_says_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VESALIUS_CACHE", str(tmp_path / "cache"))
    images(tmp_path / "images")
    save_encoder(build_encoder("resnet18", width=0.0625, stem="small", channels=1, size=(16, 16), seed=3), tmp_path / "runs" / "first")
    run = 0
    for _, text in blocks(PAGE):
        for line in text.splitlines():
            program, *words = shlex.split(line)
            assert program == "vesalius"
            app.parse_args(words, exit_on_error=False, print_error=False)
            if "./images" in words:
                done = vesalius(*words, "--replicates", "100")
                assert done.code == 0, f"{line}\n{done.said}"
                run += 1
    assert run == 2
    for name in ("invariance", "as-theirs"):
        assert (tmp_path / "runs" / name / "invariance" / "ours" / "images" / "feature_cov_matrix.safetensors").is_file()
    assert "artefact" in done.said or "helped to estimate" in done.said


def test_its_fields_are_those_of_the_protocols() -> None:
    named = set(re.findall(r"`--(\w+)`", (ROOT / PAGE).read_text().partition("## Fields")[2].partition("\n\n|")[2]))
    known = {*invariance.Config.model_fields, *multiview_invariance.Config.model_fields}
    assert {"transform", "settings", "probes", "reference", "covariance", "rank", "neighbours", "pairs"} <= known
    assert known - {"pair", "view", "views"} <= set(re.findall(r"`--([\w-]+)`", (ROOT / PAGE).read_text())) | named


def test_its_table_is_the_simulation_s() -> None:
    rows = re.findall(r"^\| ([\d,]+) \| (flat|falling as 1 / i) \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \|$", (ROOT / PAGE).read_text(), re.MULTILINE)
    assert len(rows) == 8
    samples, spectrum, *figures = next(row for row in rows if row[0] == "138")
    found = whitened.simulated(int(samples), 1024, 1000, whitened.SPECTRA[spectrum])
    assert [float(one) for one in figures] == pytest.approx([found["truncated"], found["ledoit_wolf"], found["original"]], abs=0.003)
