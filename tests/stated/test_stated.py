"""What documents state, and how a run that measured the same is found and told."""

from __future__ import annotations

import json

import pytest
import yaml

from docs import reference_results
from tests.coverage.command_line import vesalius
from vesalius.stated import stated


def run(home, name, facts, config, results):
    folder = home / name
    folder.mkdir(parents=True)
    (folder / "run.json").write_text(json.dumps({"id": name, "started": name, **facts}))
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    (folder / "results.json").write_text(json.dumps(results))
    return folder


def few_shot(value, encoder="moco-v2", data="shenzhen"):
    return {"few_shot": {"cells": [{"encoder": encoder, "data": data, "metric": "accuracy", "value": value}]}}


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("VESALIUS_RUNS", str(tmp_path / "runs"))
    return tmp_path / "runs"


def lines():
    done = vesalius("evaluate", "--check-reference")
    assert done.code == 0, done.said
    return done.said.splitlines()


def test_every_document_s_numbers_are_there_and_none_was_run(home):
    said = lines()
    assert len(stated()) == 11
    assert sum("\tnot run here\t" in line for line in said) == 11
    assert "vesalius evaluate linear --dataset diabetic_retinopathy --model pirl --compat ssl-medicalimaging" in said


def test_runs_that_measured_the_same_stand_beside_what_is_stated(home):
    run(home, "20260101-a", {"verb": "evaluate"}, {"compat": "none"}, few_shot(0.5))
    run(home, "20260102-b", {"verb": "evaluate"}, {"compat": "ssl-medicalimaging"}, few_shot(0.7312))
    run(home, "20260103-c", {"verb": "evaluate"}, {"compat": "ssl-medicalimaging"}, few_shot(0.61, encoder="pirl"))
    chestx = few_shot(0.40, encoder="mimic-chexpert_lr_0.01@224", data="chestx")
    run(home, "20260104-d", {"verb": "evaluate"}, {"compat": "ssl-medicalimaging"}, chestx)
    volumes = {"data": {"labelled": {"name": "btcv:6", "counts": {"train": {"images": 6}}}}, "segmentation": {"dice_monai_tutorial": 0.7001}}
    run(home, "20260105-e", {"verb": "finetune"}, {"compat": "monai-tutorial", "encoder": {"weights": "runs/ssl", "scratch": False}}, volumes)
    said = lines()
    rows = {line.split("\t")[1]: line.split("\t")[2:] for line in said if line.count("\t") == 5}
    assert rows["few-shot, MoCo v2, Shenzhen, 2-way 20-shot"] == ["0.7376 ± 0.02", "0.7312", "yes", "20260102-b"]
    assert rows["few-shot, MIMIC-CheXpert at 0.01, ChestX, 5-way 20-shot"][1:] == ["0.4", "no", "20260104-d"]
    assert rows["BTCV, 6 training volumes, pretrained"][1:] == ["0.7001", "yes", "20260105-e"]
    assert rows["BTCV, 6 training volumes, random weights, mean Dice"][1] == "not run here"


def test_damaged_runs_are_passed_over(home):
    folder = run(home, "20260101-a", {"verb": "evaluate"}, {"compat": "ssl-medicalimaging"}, few_shot(0.7))
    (folder / "results.json").write_text("{")
    (folder / "config.yaml").write_text("[")
    assert sum("\tnot run here\t" in line for line in lines()) == 11


def test_the_page_is_what_the_numbers_say():
    assert reference_results.PAGE.read_text() == reference_results.text()
