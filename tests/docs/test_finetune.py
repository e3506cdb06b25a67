"""The commands and the Python of docs/finetune.md are run, in order, on small images with a small encoder."""

from __future__ import annotations

import shlex
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.coverage.command_line import vesalius
from tests.labelled import encoder
from tests.test_docs import blocks, images

PAGE = "docs/finetune.md"
SMALL = ("--epochs", "1", "--batch_size", "8", "--threads", "1", "--debug", "true")


def test_what_the_page_says_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VESALIUS_RUNS", str(tmp_path / "runs"))
    images(tmp_path / "images")
    encoder(tmp_path / "runs" / "first", channels=3)
    files = sorted(p.relative_to(tmp_path).as_posix() for p in (tmp_path / "images").rglob("*.png"))
    grades = np.array(["none", "mild", "severe"])[np.arange(len(files)) % 3]
    pd.DataFrame({"file": files, "grade": grades}).to_csv("grades.csv", index=False)
    run = 0
    for language, text in blocks(PAGE):
        if language == "python":
            exec(compile(text, PAGE, "exec"), {"__name__": PAGE})
            run += 1
            continue
        for line in text.splitlines():
            program, verb, *words = shlex.split(line)
            assert (program, verb) == ("vesalius", "finetune")
            done = vesalius(verb, *words, *(() if "--resume" in words else SMALL))
            assert done.code == 0, f"{line}\n{done.said}"
            run += 1
    assert run == 7
    for name in ("frozen", "tuned", "grades", "innereye"):
        assert (tmp_path / "runs" / name / "predictions.parquet").is_file()
    assert (tmp_path / "runs" / "seeds" / "seed-3" / "results.json").is_file()
