"""docs/object-crops.md: its commands, its Python and its job run on small slides; its table of options is the code's."""

from __future__ import annotations

import importlib
import re
import shlex
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image

from tests.coverage.command_line import vesalius
from tests.coverage.test_lightly_crops import COUNTS, write
from tests.test_docs import ROOT, SMALL, blocks
from vesalius.data.sources import crops, tiles
from vesalius.select.config import configured
from vesalius.select.selection import parts

PAGE = "docs/object-crops.md"


def test_what_the_page_says_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VESALIUS_RUNS", str(tmp_path / "runs"))
    monkeypatch.setattr(importlib.import_module("vesalius.report"), "build", lambda runs, *_: runs[0] / "report.html")  # tested by itself
    write(tmp_path / "slides")
    for language, text in blocks(PAGE):
        if language == "python":
            exec(compile(text, PAGE, "exec"), {})
            assert f"['round', 'square'] {np.sum(COUNTS, 0)}" in capsys.readouterr().out
        elif language == "yaml":
            config, _ = configured(yaml.safe_load(text))  # run in tests/coverage/test_lightly_crops.py
            assert len(parts(config.selection)) == 2
            assert config.tiles[0].name == "grid"
            assert config.training is not None
            assert config.training.task_name == "cells"
        elif language == "bash":
            for line in text.splitlines():
                words = shlex.split(line)[1:]
                few = {"pretrain": SMALL, "evaluate": ("--replicates", "100")}.get(words[0], ())
                done = vesalius(*words, *few)
                assert done.code == 0, f"{line}\n{done.said}"
    assert len(pd.read_parquet(tmp_path / "cells.parquet")) == 4 * len(COUNTS)
    names = (tmp_path / "to-label.txt").read_text().split()
    pictures = list((tmp_path / "pictures").rglob("*.png"))
    assert len(pictures) == 4 * len(names), "every object of every selected image"
    assert {file.parent.name for file in pictures} == {"round", "square"}
    assert Image.open(pictures[0]).size == (10, 10)


def test_its_options_are_the_codes() -> None:
    rows = re.findall(r"^\| `(\w+)`", (ROOT / PAGE).read_text(), re.MULTILINE)
    assert rows == [*crops.OPTIONS, *tiles.OPTIONS]
