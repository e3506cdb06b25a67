"""docs/looking.md: its commands are run on small images with small encoders, and what it says of the published table is so."""

from __future__ import annotations

import importlib
import shlex
from pathlib import Path

import pytest

from tests.coverage.command_line import vesalius
from tests.evaluate.judged.published import correlated
from tests.labelled import images as visits
from tests.test_docs import blocks, images
from vesalius.encoders import build_encoder, save_encoder

PAGE = "docs/looking.md"
SMALL = {
    "saliency": "--saliency.stride 6",
    "saliency,reconstruction": "--saliency.stride 6 --iterations 2",
    "invariance": "--probes 4 --settings 2 --replicates 100",
    "multiview-invariance": "--probes 20 --replicates 100 --labels ill",
    "knn": "--replicates 100",
}


def test_what_the_page_says_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VESALIUS_CACHE", str(tmp_path / "cache"))
    images(tmp_path / "images")
    (tmp_path / "scans").mkdir()
    (tmp_path / "images" / "left" / "0.png").rename(tmp_path / "scans" / "0.png")
    for number in range(1, 10):  # else every encoder tells the classes apart
        (tmp_path / "images" / "left" / f"{number}.png").rename(tmp_path / "images" / "right" / f"other{number}.png")
        (tmp_path / "images" / "right" / f"{number}.png").rename(tmp_path / "images" / "left" / f"other{number}.png")
    table = visits(tmp_path / "visits", count=60)
    table.rename(tmp_path / "visits.csv")
    (tmp_path / "visits" / "png").rename(tmp_path / "png")
    for seed, name in enumerate(("first", "second", "third")):
        save_encoder(build_encoder("resnet18", width=0.0625, stem="small", channels=1, size=(16, 16), seed=seed).eval(), tmp_path / "runs" / name)
    run = 0
    for language, text in blocks(PAGE):
        assert language == "bash"
        for line in text.splitlines():
            program, *words = shlex.split(line)
            assert program == "vesalius"
            if words[0] == "evaluate":
                with monkeypatch.context() as patch:
                    patch.setattr(importlib.import_module("vesalius.report"), "build", lambda runs, *_: runs[0] / "report.html")  # tested by itself
                    done = vesalius(*words, *SMALL[words[1]].split())
            else:
                done = vesalius(*words)
            assert done.code == 0, f"{line}\n{done.said}"
            run += 1
    assert run == 6
    page = (tmp_path / "compared.html").read_text()
    assert "A against B" in page
    assert "B: saliency, attentive diffusion" in page


def test_what_eight_encoders_cannot_say() -> None:
    rows = {row["on"]: row for row in correlated() if row["on"]}
    assert len(rows) == 10
    assert sum(row["pearson_low"] <= 0 <= row["pearson_high"] for row in rows.values()) == 9
    assert not any(row["p_holm"] < 0.05 for row in rows.values())
