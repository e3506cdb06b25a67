"""Each native tree through the command line: checked, learnt from, classified, predicted. NIH and CheXpert: test_radiographs."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pandas as pd
import pytest

from tests.coverage.command_line import vesalius
from tests.recipes.tiny import tiny
from tests.trees import covid, dicom, nih, rsna

TREES: Mapping[str, tuple[Callable[..., Path], tuple[str, ...]]] = {
    "nih-chestxray14": (lambda root: nih.write(root, 16, side=24), ("--data.task", "single7")),
    "rsna-pneumonia": (lambda root: rsna.write(root, 24, side=24), ()),
    "covid-cxr": (lambda root: covid.write(root, side=24), ()),
    "dicom": (lambda root: dicom.write(root, side=24), ("--data.labels", "finding")),
}
"""How a tree is written, and the words its labels need beside its name."""


@pytest.mark.parametrize("source", TREES)
def test_checked_learnt_from_classified_and_predicted(source: str, tmp_path: Path) -> None:
    write, words = TREES[source]
    root = write(tmp_path / "data")
    if source == "dicom":
        words = (*words, "--data.labels_file", str(root / "labels.csv"))
    data = f"{source}@{root}"
    told = vesalius("data", "check", data)
    assert told.code == 0, told.said
    assert "images" in told.said
    recipe = tiny("", steps=2, batch_size=8, monitors=["spread"])
    recipe["data"].pop("monitor")
    (tmp_path / "recipe.yaml").write_text(json.dumps(recipe))
    told = vesalius("pretrain", str(tmp_path / "recipe.yaml"), "--data.train", data, out=tmp_path / "run")
    assert told.code == 0, told.said
    told = vesalius("finetune", "classifier", "--encoder", str(tmp_path / "run"), "--data.train", data, *words,
                    "--data.split.val", "0.25", "--data.split.test", "0.25", "--threads", "1", out=tmp_path / "classifier")  # fmt: skip
    assert told.code == 0, told.said
    results = json.loads((tmp_path / "classifier" / "results.json").read_text())
    assert results.get("operating") or "operating" in results["absent"]
    told = vesalius("predict", str(tmp_path / "classifier"), data, out=tmp_path / "answers.csv")
    assert told.code == 0, told.said
    answers = pd.read_csv(tmp_path / "answers.csv")
    assert len(answers) >= 24
    assert answers.filter(like="prob_").to_numpy().min() >= 0
