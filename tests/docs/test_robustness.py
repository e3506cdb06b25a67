"""docs/robustness.md: its commands are run in order on small runs, and its table is the code's."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

import vesalius as package
from tests import labelled
from tests.coverage.command_line import vesalius
from tests.test_docs import ROOT, blocks
from vesalius.evaluate.perturbed import perturbations

PAGE = "docs/robustness.md"


def test_what_the_page_says_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VESALIUS_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("VESALIUS_CACHE", str(tmp_path / "cache"))
    table = labelled.images(tmp_path / "images", count=60)
    encoder = labelled.encoder(tmp_path / "encoder")
    for name in ("pretrained", "scratch"):
        data = {**labelled.RECIPE["data"], "train": str(table), "labels": "ill", "subject": "patient"}
        package.finetune({**labelled.RECIPE, "data": data}, encoder=str(encoder), out=tmp_path / "runs" / name, quiet=True)
    run = 0
    for language, text in blocks(PAGE):
        if language == "python":
            known: dict[str, object] = {}
            exec(compile(text, PAGE, "exec"), known)
            assert len(known["table"]) > 0  # type: ignore[arg-type]
            run += 1
            continue
        for line in text.splitlines():
            done = vesalius(*shlex.split(line)[1:])
            assert done.code == 0, f"{line}\n{done.said}"
            run += 1
    assert run == 3


def test_the_table_is_the_code_s() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \| ([\d., ]+) \|", (ROOT / PAGE).read_text(), re.MULTILINE)
    assert [name for name, _, _ in rows] == [one.name for one in perturbations.ALL]
    for (name, _, said), one in zip(rows, perturbations.ALL, strict=True):
        assert tuple(float(number) for number in said.split(",")) == one.strengths, name
