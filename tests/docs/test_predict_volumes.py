"""docs/predict-volumes.md: its commands are run in order, on small heads."""

from __future__ import annotations

import shlex
from pathlib import Path

import pandas as pd
import pytest

import vesalius as package
from tests.coverage.command_line import vesalius
from tests.segmented import PLAN, RECIPE, heads
from tests.test_docs import blocks
from vesalius.encoders import build_encoder, save_encoder

PAGE = "docs/predict-volumes.md"


def test_what_the_page_says_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VESALIUS_RUNS", str(tmp_path / "runs"))
    data = {"train": str(heads(tmp_path / "labelled", 6, 2, 4)), "plan": PLAN}
    package.finetune(RECIPE, out=tmp_path / "runs" / "segmenter", quiet=True, data=data, steps=2, validate_every={"steps": 2})
    (tmp_path / "scans").symlink_to(tmp_path / "labelled" / "imagesTr")
    encoder = build_encoder("resnet18", width=0.0625, stem="small", channels=1, size=(16, 16, 16))
    encoder.card = encoder.card.model_validate({**encoder.card.model_dump(), "plan": PLAN})
    save_encoder(encoder, tmp_path / "runs" / "encoder")
    files = sorted((tmp_path / "scans").iterdir())
    grades = [("none", "mild")[n % 2] for n in range(len(files))]
    pd.DataFrame({"file": [f"scans/{f.name}" for f in files], "grade": grades, "patient": range(len(files))}).to_csv("scans.csv", index=False)
    for language, text in blocks(PAGE):
        assert language == "bash"
        for line in text.splitlines():
            done = vesalius(*shlex.split(line)[1:])
            assert done.code == 0, f"{line}\n{done.said}"
    assert len(list(Path("segmented").glob("*_seg.nii.gz"))) == 12
    assert Path("one/case_000_prob.nii.gz").is_file()
    assert len(pd.read_csv("grades.csv")) == len(pd.read_parquet("features.parquet")) == 12
