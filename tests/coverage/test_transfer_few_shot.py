"""Transfer E1 and E2: few-shot as the original's command line has it, and its cap on large sets."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import pytest

from tests.coverage.command_line import Done, vesalius
from tests.labelled import encoder
from tests.trees import transfer
from vesalius.evaluate import compat

ALWAYS = ("--n-support", "2", "--n-query", "3", "--iter-num", "40", "--replicates", "200", "--device", "cpu")


@pytest.fixture(autouse=True)
def _no_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.import_module("vesalius.report"), "build", lambda runs, *_: runs[0] / "report.html")


def results(done: Done) -> dict[str, Any]:
    assert done.code == 0, done.said
    return json.loads((done.folder / "results.json").read_text())


def test_few_shot_by_prototypes_with_both_intervals(tmp_path: Path) -> None:
    """E1."""
    place = transfer.shenzhen(tmp_path / "shenzhencxr", 40)
    models = [f"{name}={encoder(tmp_path / name)}" for name in ("moco-v2", "byol")]
    words = ("evaluate", "few-shot", "--dataset", f"shenzhen@{place}", "--model", models[0], "--model", models[1], "--n-way", "2", "--image-size", "20")
    found = results(vesalius(*words, *ALWAYS, out=tmp_path / "run"))
    rows = {row["encoder"]: row for row in found["few_shot"]["cells"]}
    row = rows["moco-v2@20"]
    assert (row["metric"], row["repeats"], row["n"]) == ("accuracy", 40, 40)
    assert row["low"] <= row["value"] <= row["high"]
    assert row["margin"] == pytest.approx(1.96 * row["spread"] / 40**0.5)
    assert row["value"] == rows["byol@20"]["value"]  # the same weights in the same episodes
    assert {chosen["shot"] for chosen in found["few_shot"]["chosen"]} == {2}


def test_a_large_set_is_capped_by_whole_subjects(tmp_path: Path) -> None:
    """E2: what ``prepare_submeta`` was for is a field, 10,000 by itself where the original is reproduced."""
    place = transfer.eyepacs(tmp_path / "eyepacs", 40, held=20)
    words = ("evaluate", "few-shot", "--dataset", f"diabetic_retinopathy@{place}", "--model", f"a={encoder(tmp_path / 'a', 3)}", "--n-way", "2")
    found = results(vesalius(*words, "--max-images", "60", *ALWAYS, out=tmp_path / "run"))
    (row,) = (row for row in found["few_shot"]["cells"] if row["encoder"] == "a")
    assert 50 <= row["n"] <= 62
    assert row["units"] * 2 == row["n"]  # both eyes of everyone
    assert compat.most("chexpert@./data/chexpert", ["few-shot"]) == 10_000
