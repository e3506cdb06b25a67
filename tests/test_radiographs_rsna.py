"""RSNA's and InnerEye's radiographs through the command line: checked, learnt from, classified, predicted."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from tests.coverage.command_line import vesalius
from tests.trees import covid, nih, rsna

UNKNOWN = "subjects unknown: one patient's images may be on both sides"
SMALL = ("--encoder.name", "resnet18", "--encoder.width", "0.0625", "--encoder.stem", "small", "--encoder.size", "24", "--threads", "1")
TREES = ["rsna-pneumonia", "rsna-pneumonia:detailed", "rsna-innereye", "covid-cxr", "covid-cxr:four"]


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("radiographs")
    rsna.write(folder / "rsna-pneumonia", 36, unlabelled=4, side=48, quality=90)
    rsna.write(folder / "rsna-innereye", 36, layout="innereye", side=48)
    covid.write(folder / "covid-cxr", 24, side=48)
    return folder


def reference(here: Path, tree: str) -> str:
    name, _, task = tree.partition(":")
    source = "rsna-pneumonia" if name == "rsna-innereye" else name
    return f"{source}@{here / name}" + (f":{task}" if task else "")


@pytest.mark.parametrize("tree", TREES)
def test_a_classifier(tree: str, here: Path, tmp_path: Path) -> None:
    data = reference(here, tree)
    done = vesalius(
        "finetune", "classifier", *SMALL, "--data.train", data, "--data.split.val", "0.25", "--data.split.test", "0.25", out=tmp_path / "run"
    )
    assert done.code == 0, done.said
    results = json.loads((tmp_path / "run" / "results.json").read_text())
    task = results["data"]["labelled"]["task"]
    assert task["kind"] == ("classes" if tree.endswith((":four", ":detailed")) else "binary")
    unknown = tree.startswith("rsna")
    assert results["data"]["labelled"]["split_by"] == ("image" if unknown else "subject")
    for said in (results["warnings"], results["verdict"], results["data"]["labelled"]["warnings"], done.said.splitlines()):
        assert any(UNKNOWN in line for line in said) == unknown
    told = vesalius("predict", str(tmp_path / "run"), data, out=tmp_path / "answers.csv")
    assert told.code == 0, told.said
    assert len(pd.read_csv(tmp_path / "answers.csv")) == {"rsna-pneumonia": 40, "rsna-innereye": 36, "covid-cxr": 48}[tree.partition(":")[0]]
    written = b"".join(file.read_bytes() for file in (tmp_path / "run").rglob("*") if file.is_file() and file.name != "config.yaml")
    for name in (b"P001", b"Ward", rsna.names(1)[0].encode()):
        assert name not in written


def test_people_are_on_one_side_by_the_mapping(here: Path, tmp_path: Path) -> None:
    nih.write(tmp_path / "nih", 18, side=16)
    files = sorted(file.name for file in (tmp_path / "nih").rglob("*.png"))
    (tmp_path / "m.json").write_text(json.dumps(rsna.mapping(rsna.names(36), files)))
    done = vesalius(
        "finetune", "classifier", *SMALL, "--data.train", reference(here, "rsna-innereye"), "--data.mapping", str(tmp_path / "m.json"),
        "--data.require_subjects", "true", "--data.split.val", "0.25", "--data.split.test", "0.25", out=tmp_path / "run",
    )  # fmt: skip
    assert done.code == 0, done.said
    found = json.loads((tmp_path / "run" / "results.json").read_text())
    assert found["data"]["labelled"]["split_by"] == "subject"
    assert sum(part["subjects"] for part in found["data"]["labelled"]["counts"].values()) == 18
    assert not any(UNKNOWN in line for line in [*found["warnings"], *found["verdict"]])
    refused = vesalius("finetune", "classifier", *SMALL, "--data.train", reference(here, "covid-cxr"), "--data.mapping", "m.csv")
    assert refused.code == 2
    assert "The source covid-cxr does not take 'mapping'" in refused.said
