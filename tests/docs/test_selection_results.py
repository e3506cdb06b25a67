"""docs/selection-results.md: its commands are run in order on small images, and its table has every format there is."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from tests.coverage.command_line import vesalius
from tests.test_docs import ROOT, blocks, images
from vesalius import registry
from vesalius.encoders import build_encoder, save_encoder

PAGE = "docs/selection-results.md"


def test_what_the_page_says_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VESALIUS_RUNS", str(tmp_path / "runs"))
    images(tmp_path / "images")
    save_encoder(build_encoder("resnet18", width=0.0625, stem="small", size=(16, 16), seed=3).eval(), tmp_path / "public")
    said = ""
    for _, text in blocks(PAGE):
        for line in text.splitlines():
            program, *words = shlex.split(line.replace("timm:resnet18", str(tmp_path / "public")))
            assert program == "vesalius"
            done = vesalius(*words)
            assert done.code == 0, f"{line}\n{done.said}"
            said = done.said
    names = (tmp_path / "chosen.txt").read_text().splitlines()
    assert len(names) == 12
    copies = sorted(p.relative_to(tmp_path / "to-label").as_posix() for p in (tmp_path / "to-label").rglob("*.png"))
    assert copies == sorted(names)
    first, second = (set((tmp_path / f"{which}.txt").read_text().splitlines()) for which in ("first", "second"))
    assert len(first) == len(second) == 5
    assert not first & second
    rounds = [line.split("\t") for line in said.splitlines() if line[:1].isdigit()]
    assert [(row[0], row[3], row[4], row[5]) for row in rounds] == [("1", "5", "5", "40"), ("2", "5", "10", "35")]


def test_the_table_has_every_format() -> None:
    named = re.findall(r"^\| `([\w-]+)` \|", (ROOT / PAGE).read_text(), re.MULTILINE)
    assert sorted(named) == sorted(registry.names("formats"))
