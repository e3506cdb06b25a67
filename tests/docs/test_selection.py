"""docs/selection.md: its commands and its file select from small images, and it describes every strategy and every field there is."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pandas as pd
import pytest

from tests.coverage.command_line import vesalius
from tests.select.jobs import encoder, folder
from tests.test_docs import ROOT, blocks
from vesalius import registry
from vesalius.select.strategies.hierarchical_kmeans import levels_for

PAGE = "docs/selection.md"
TEXT = (ROOT / PAGE).read_text()


def test_what_the_page_says_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VESALIUS_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("VESALIUS_CACHE", str(tmp_path / "cache"))
    folder(tmp_path / "images", 20)
    encoder(tmp_path / "encoder")
    (tmp_path / "liked.txt").write_text("0003.png\n0010.png\n")
    run = 0
    for language, text in blocks(PAGE):
        text = text.replace("timm:resnet18", "./encoder").replace("n 50", "n 5").replace("n_samples: 50", "n_samples: 5")
        if language == "yaml":
            (tmp_path / "select.yaml").write_text(text.replace("data: ./images", "data: ./images\nmax_bad_share: 0.2"))
            continue
        for line in text.splitlines():
            more = () if "select.yaml" in line else ("--max_bad_share", "0.2")
            done = vesalius(*shlex.split(line)[1:], *more)
            assert done.code == 0, f"{line}\n{done.said}"
            run += 1
    assert run == 4
    tables = [pd.read_parquet(path / "selection.parquet") for path in sorted((tmp_path / "runs").iterdir()) if path.is_dir()]
    assert [len(table) for table in tables] == [5, 2, 5, 5]
    told = [{name: dict(said) for name, said in json.loads(table["reasons"].iloc[-1]).items()} for table in tables]
    assert told[1]["coverage"]["covered"] > 0
    assert json.loads(tables[2]["reasons"].iloc[0])["similarity"] == {"similarity": 1.0, "distance to the query": 0.0}
    assert set(told[3]) == {"diversity", "typicality"}


def test_every_strategy_and_field_is_there() -> None:
    for name in registry.names("strategies"):
        shown = name.upper().replace("-", "_")
        assert f"**`{shown}`**" in TEXT, shown
        assert re.search(rf"^\| .*\| .*`{shown}`.* \| .*\|$", TEXT, re.MULTILINE), shown
        for field in registry.entry("strategies", name).Config.model_fields:
            assert f"`{field}" in TEXT, f"{shown}: {field}"
    for shown in re.findall(r"^\*\*`(\w+)`\*\*", TEXT, re.MULTILINE):
        assert shown.lower().replace("_", "-") in registry.names("strategies"), shown


def test_the_numbers_are_the_code_s() -> None:
    assert f"`num_nearest_neighbors` ({registry.entry('strategies', 'typicality').Config().num_nearest_neighbors}) nearest images" in TEXT
    assert f"`num_nearest_neighbors` ({registry.entry('strategies', 'coverage').Config().num_nearest_neighbors}) nearest and" in TEXT
    assert f"`resampling` ({registry.entry('strategies', 'hierarchical-kmeans').Config().resampling} times" in TEXT
    assert levels_for(10_000) == [200, 20]
