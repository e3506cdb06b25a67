"""Radiographs through the command line, in the layouts they are downloaded in: learnt from, watched with, classified."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.coverage.command_line import vesalius
from tests.recipes.tiny import tiny
from tests.trees import chexpert, nih
from vesalius.data.sources.chexpert import FIVE


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """NIH and CheXpert, and an encoder that learnt from one while it was watched on the other."""
    folder = tmp_path_factory.mktemp("radiographs")
    nih.write(folder / "nih", 16, side=24)
    chexpert.write(folder / "cx", 30, side=24)
    recipe = tiny("", steps=2, batch_size=8, monitors=[{"name": "linear"}, {"name": "knn"}], examine=True)
    (folder / "recipe.yaml").write_text(json.dumps(recipe))
    done = vesalius(
        "pretrain", str(folder / "recipe.yaml"), "--data.train", f"nih-chestxray14@{folder}/nih",
        "--data.monitor", f"chexpert@{folder}/cx:five", "--data.uncertain", "soft", "--data.monitor_filter", "all",
        out=folder / "run",
    )  # fmt: skip
    assert done.code == 0, done.said
    return folder


def test_pretraining_leaves_the_official_test_images_out_and_watches_five_findings(here: Path) -> None:
    results = json.loads((here / "run" / "results.json").read_text())
    monitor = results["data"]["monitor"]
    assert (monitor["task"]["labels"], monitor["split_by"]) == (list(FIVE), "subject")
    listed = pd.read_csv(here / "cx" / "CheXpert-v1.0-small" / "valid.csv")
    assert len(pd.read_parquet(here / "run" / "predictions.parquet")) == len(listed), "the radiologists' part is the test part"
    watched = [json.loads(line) for line in (here / "run" / "metrics.jsonl").read_text().splitlines()]
    assert any("monitor/linear/roc_auc" in row for row in watched)


@pytest.mark.parametrize("task", ["pleural-effusion", "five"])
def test_a_classifier_learns_soft_targets_and_is_scored_on_firm_ones(here: Path, task: str) -> None:
    out = here / f"classifier-{task}"
    done = vesalius(
        "finetune", "classifier", "--encoder", str(here / "run"), "--data.train", f"chexpert@{here}/cx", "--data.task", task,
        "--data.uncertain", "soft", "--data.filter", "view=frontal,lateral", "--threads", "1", out=out,
    )  # fmt: skip
    assert done.code == 0, done.said
    results = json.loads((out / "results.json").read_text())
    assert all(score["value"] is None or 0 <= score["value"] <= 1 for score in results["scores"])
    written = pd.read_parquet(out / "predictions.parquet")
    truth = written[[c for c in written if c.startswith("label")]].to_numpy(np.float64)
    assert set(truth[~np.isnan(truth)].ravel()) <= {0.0, 1.0}
    told = vesalius("predict", str(out), f"nih-chestxray14@{here}/nih", "--filter", "PA", out=here / f"{task}.csv")
    assert told.code == 0, told.said
    assert len(pd.read_csv(here / f"{task}.csv")) == 16


def test_embed_and_check_take_the_same_words(here: Path) -> None:
    told = vesalius("embed", "--encoder", str(here / "run"), "--data", f"chexpert@{here}/cx", "--task", "five",
                    "--uncertain", "ones", "--filter", "lateral", out=here / "e.parquet")  # fmt: skip
    assert told.code == 0, told.said
    rows = pd.read_parquet(here / "e.parquet")
    assert rows["uri"].str.contains("lateral").all()
    assert not (rows[[c for c in rows if c.startswith("label.")]] < 0).any(axis=None)
    told = vesalius("data", "check", f"chexpert@{here}/cx:five", "--filter", "lateral", "--uncertain", "ones", "--no-decode")
    assert told.code == 0, told.said
    for word in ("uncertain", "unknown", "view=lateral", "shared_subjects train/test", f"images\t{len(rows)}"):
        assert word in told.said


def test_no_name_of_a_file_and_no_number_of_a_patient_is_left_in_a_run(here: Path) -> None:
    for file in (here / "run").rglob("*"):
        if file.is_file() and file.name != "config.yaml":
            content = file.read_bytes()
            assert b"patient000" not in content, file.name
            assert b"00000001_000" not in content, file.name
