"""docs/finetune-protocol.md: its commands are run in order on small images, and its table of settings is the code's."""

from __future__ import annotations

import importlib
import re
import shlex
from pathlib import Path

import pytest

from tests import labelled
from tests.coverage.command_line import vesalius
from tests.test_docs import ROOT, blocks
from vesalius.evaluate.fitting.augmenting import OPERATIONS
from vesalius.evaluate.fitting.finetuning import DECAYS, RATES
from vesalius.evaluate.protocols import finetune, lp_ft

PAGE = "docs/finetune-protocol.md"


def test_what_the_page_says_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VESALIUS_RUNS", str(tmp_path / "runs"))
    monkeypatch.setattr(importlib.import_module("vesalius.report"), "build", lambda runs, *_: runs[0] / "report.html")  # tested by itself
    labelled.images(tmp_path / "images", count=100)
    labelled.encoder(tmp_path / "runs" / "encoder")
    run = 0
    for _, text in blocks(PAGE):
        for line in text.splitlines():
            words = shlex.split(line)[1:]
            small = ("--validate-every", "3", "--replicates", "100", "--device", "cpu") if words[0] == "evaluate" and "--resume" not in words else ()
            done = vesalius(*words, *small)
            assert done.code == 0, f"{line}\n{done.said}"
            run += 1
    assert run == 4
    assert (tmp_path / "answers.parquet").is_file()


def test_its_numbers_are_the_code_s() -> None:
    page = (ROOT / PAGE).read_text()
    rows = {row[0]: row[1:] for row in re.findall(r"^\| (.+?) \| (.+?) \| (.+?) \|$", page, re.MULTILINE)}
    one, other = finetune.Config(), lp_ft.Config()
    depth = f"times `--layer-decay` ({other.layer_decay:g}) for each layer away from the output"
    assert rows["`--lr`"] == (f"{one.lr:g}, one rate for all", f"{other.lr:g}, {depth}")
    assert f"{one.weight_decay:g}".replace("e-0", "e-") in rows["`--weight-decay`"][0]
    assert (f"{one.steps:,}", str(one.batch)) == tuple(re.findall(r"[\d,]+", rows["`--steps`, `--batch`"][0]))
    assert f"every {one.validate_every} steps" in rows["`--validate-every`"][0]
    assert f"`--patience` ({one.patience})" in rows["`--early-stopping`"][0]
    assert all(f"{number:g}".replace("e-0", "e-") in rows["`--search`"][0] for number in (*RATES, *DECAYS))
    for name, (_, said) in OPERATIONS.items():
        assert f"`{name}`" in rows
        assert said.split(",")[0].split(" to ")[0] in rows[f"`{name}`"][1]
