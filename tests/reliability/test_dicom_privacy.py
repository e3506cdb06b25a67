"""The canary in DICOM: a name in every element of text, in folders, files and columns, through every verb.

Asked for by name are, as in test_privacy: ``config.yaml`` (what was typed), and ``--out`` and ``data locate`` where they put it.
The same journey shows that a folder of DICOM files with a CSV of labels goes through every verb by the command line.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pydicom
import pytest
import yaml

from tests.recipes.tiny import tiny
from tests.reliability.canary import CANARY, leaks
from tests.trees import dicom
from vesalius.cli import main


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return dicom.write(tmp_path_factory.mktemp("data") / f"ward {CANARY}", 12, 20, canary=CANARY)


def test_the_tree_is_full_of_the_name(tree: Path) -> None:
    data = pydicom.dcmread(next(tree.rglob("*image1.dcm")))
    planted = [element for element in data if CANARY in str(element.value)]
    assert len(planted) > 1500
    assert {element.VR for element in planted} >= set(dicom.TEXTS)
    assert CANARY in str(data.PatientID)
    assert CANARY in str(data.ViewPosition)
    assert data[0x0029, 0x1001].value == CANARY
    assert CANARY in (tree / f"{CANARY}labels.csv").read_text()


def test_a_name_is_in_nothing_that_was_not_asked_for(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    here = tmp_path / "work"
    here.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.setenv("VESALIUS_RUNS", str(here / "runs"))
    monkeypatch.setenv("VESALIUS_CACHE", str(here / "cache"))
    labels = {"labels_file": str(tree / f"{CANARY}labels.csv"), "labels": "finding"}
    recipe = tiny(tree, examine=True)
    recipe["data"] = {"train": str(tree), "monitor": f"dicom@{tree}", "window": "percentiles", **labels}
    recipe["method"] = {"name": "simclr", "hidden": 16, "dim": 8}
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    of_labels = [word for name, value in labels.items() for word in (f"--data.{name}", value)]

    def run(*words: object, code: int = 0) -> str:
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([str(word) for word in words])
        said = capfd.readouterr()
        assert (ended.value.code or 0) == code, said.err
        return said.out + said.err

    run("data", "check", tree, "--labels-file", labels["labels_file"], "--labels", "finding")
    run("data", "index", tree, "--size", "20")
    assert leaks(here) == []
    run("pretrain", tmp_path / "recipe.yaml", "--out", "run")
    assert json.loads((here / "run" / "encoder.json").read_text())["window"] == "percentiles"
    run("embed", "--encoder", "run", "--data", tree)
    run("finetune", "classifier", "--encoder", "run", "--data.train", tree, *of_labels, "--threads", "1", "--out", "tuned")
    run("predict", "tuned", tree)
    stores = sorted(place.name.rpartition("-")[0] for place in (here / "cache" / "stores").iterdir() if place.is_dir())
    assert stores == ["dicom-20-1", "dicom-20-1-percentiles"], "the encoder's window is every later verb's too"
    said = run("finetune", "classifier", "--encoder", "run", "--data.train", tree, *of_labels, "--data.window", "none", code=2)
    assert "the encoder learnt from images windowed by percentiles" in said
    run("report", "run", "tuned", "--out", "both.html")
    run("export", "run", "--to", "safetensors", "--out", "exported")
    run("data", "list")
    run("runs", "show", "run")
    run("recipes", "show", "plain", "--views", tree, "--out", "views.png")
    assert sorted({Path(name).name for name in leaks(here)}) == ["config.yaml"], "as it was typed, and nowhere else"
    assert len(list(here.rglob("report.html"))) >= 2
    results = json.loads((here / "tuned" / "results.json").read_text())
    assert results["kind"] == "finetune"
    table = pd.read_parquet(next((here / "runs").glob("*/predictions.parquet")))
    assert {"id", "subject"} <= set(table.columns)
    assert len(table) == 27

    # refused work says ids to the log; what names files or people is for the terminal
    broken = tree / f"{CANARY} broken.dcm"
    broken.write_bytes(bytes(128) + b"DICM" + CANARY.encode() * 9)
    try:
        said = run("pretrain", tmp_path / "recipe.yaml", "--out", "bad", "--data.max_bad_share", "0", code=4)
    finally:
        broken.unlink()
    assert "broken" in said
    assert sorted({Path(name).name for name in leaks(here)}) == ["config.yaml"]

    asked = tmp_path / "asked"
    run("predict", "tuned", tree, "--out", asked / "p.csv")
    run("data", "show", tree, "--out", asked / "table.parquet")
    assert set(leaks(asked)) == {"p.csv", "table.parquet"}
    assert (asked / "table.parquet").stat().st_mode & 0o777 == 0o600
    kept = pd.read_parquet(asked / "table.parquet").drop(columns="uri")
    assert CANARY not in repr(kept.to_dict()), "the table has paths, and no words of headers"

    for reference in (tree, asked / "table.parquet"):
        told = run("data", "locate", reference, table["id"][5])
        assert CANARY in told
        assert f"PatientID {CANARY}0" in told
    subject = str(table["subject"][0])
    assert run("data", "locate", tree, subject).count("StudyInstanceUID") == int((table["subject"] == subject).sum())
    assert "No sample of dicom has the id feed" in run("data", "locate", tree, "feed", code=2)
    assert sorted({Path(name).name for name in leaks(here)}) == ["config.yaml"]


def test_what_the_journey_learnt_is_the_films_own(tree: Path) -> None:
    """The halves differ by construction, so that a classifier on them can be told from chance."""
    from vesalius.data.references import resolve
    from vesalius.data.store import build

    table: Any = resolve(tree, labels_file=str(tree / f"{CANARY}labels.csv"), labels="finding")
    built = build(table, cache=tree.parent / "cache")
    sick = table.labels("finding") == 0
    bright = np.array([built.array(row)[0, 5:10, 5:15].mean() for row in range(len(table))])
    assert bright[sick].mean() > bright[~sick].mean()
