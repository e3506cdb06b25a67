"""Encoders compared by fine-tuning: the original's settings, chosen on validation alone, gone on with after a kill."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml

from tests.labelled import encoder, images
from vesalius.encoders import load_encoder, save_encoder
from vesalius.errors import Preempted, UserError
from vesalius.evaluate.fitting import finetuning
from vesalius.evaluate.verb import Evaluated, evaluate
from vesalius.tasks.classifier import Classifier

FIELDS: dict[str, Any] = {"split.val": 0.2, "split.test": 0.25, "device": "cpu", "replicates": 100, "labels": "ill", "quiet": True}
SHORT: dict[str, Any] = {"steps": 6, "batch": 32, "validate_every": 3, "repeats": 1}


@pytest.fixture(scope="module", autouse=True)
def _no_pages() -> Iterator[None]:
    """Reports are tested by themselves; each costs more than a training here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(importlib.import_module("vesalius.report"), "build", lambda runs, *_: runs[0] / "report.html")
        yield


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """An encoder without training, which has no twin, and a table of labelled images."""
    folder = tmp_path_factory.mktemp("made")
    return encoder(folder / "enc"), images(folder / "images", 100)


@pytest.fixture(scope="module")
def compared(made: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Evaluated:
    """Both protocols on an encoder and its twin."""
    trained = load_encoder(str(made[0]))
    trained.card = trained.card.model_copy(update={"trained_on": "something"})
    place = tmp_path_factory.mktemp("trained")
    save_encoder(trained, place)
    return evaluate("finetune,lp-ft", encoder=f"ours={place}", data=made[1], out=tmp_path_factory.mktemp("out") / "run", **FIELDS, **SHORT)


def test_the_settings_are_the_original_s(compared: Evaluated) -> None:
    config = yaml.safe_load((compared.path / "finetune" / "ours" / "table" / "seed-1" / "config.yaml").read_text())
    optimizer = config["optimizer"]
    assert (optimizer["name"], optimizer["momentum"], optimizer["nesterov"]) == ("sgd", 0.9, True)
    assert (optimizer["lr"], optimizer["weight_decay"], optimizer["decay_by"], optimizer["layer_decay"]) == (1e-2, 1e-8, "all", None)
    assert optimizer["schedule"]["name"] == "cosine"
    assert config["encoder"]["freeze"] is False
    assert config["encoder"]["lr_factor"] == 1
    assert config["linear_first"] is False
    assert finetuning.Budget().steps == 5000
    assert finetuning.Budget().batch == 64
    operations = config["views"]["global"]["operations"]
    assert [next(iter(step)) for step in operations] == ["affine", "random_resized_crop"]
    assert operations[1]["random_resized_crop"]["scale"][0] >= 0.5


def test_answers_are_those_of_the_best_weights_in_the_split_s_order(compared: Evaluated) -> None:
    found = json.loads((compared.path / "results.json").read_text())["finetune"]
    rows = {(row["encoder"], row["metric"]): row for row in found["cells"]}
    assert {name for name, _ in rows} == {"ours", "random init"}
    assert rows["ours", "roc_auc"]["n"] == 26
    chosen = next(row for row in found["chosen"] if row["encoder"] == "ours")
    assert chosen["runs"][0]["best_step"] > 0  # a head of zeros is no answer
    assert (chosen["lr"], chosen["steps"], chosen["runs"][0]["run"]) == (1e-2, 6, "finetune/ours/table/seed-1")
    run = compared.path / chosen["runs"][0]["run"]
    scores = json.loads((run / "results.json").read_text())["scores"]
    test = next(row for row in scores if row["model"] == "fine-tuned" and row["metric"] == "roc_auc" and row["split"] == "test")
    assert rows["ours", "roc_auc"]["value"] == pytest.approx(test["value"], abs=1e-6)  # a temperature changes no order


def test_a_linear_probe_first_starts_from_a_head_that_knows_something(compared: Evaluated) -> None:
    config = yaml.safe_load((compared.path / "lp-ft" / "ours" / "table" / "seed-1" / "config.yaml").read_text())
    assert config["linear_first"] is True
    assert config["optimizer"]["lr"] == 1e-3
    assert config["optimizer"]["layer_decay"] == 0.85
    metrics = compared.path / "lp-ft" / "ours" / "table" / "seed-1" / "metrics.jsonl"
    start = next(row for row in map(json.loads, metrics.read_text().splitlines()) if row["kind"] == "monitor")
    plain = compared.path / "finetune" / "ours" / "table" / "seed-1" / "metrics.jsonl"
    zero = next(row for row in map(json.loads, plain.read_text().splitlines()) if row["kind"] == "monitor")
    assert zero["monitor/validation/roc_auc"] == 0.5  # a head of zeros
    assert start["monitor/validation/roc_auc"] > 0.6


def test_a_kill_in_a_training_is_gone_on_with_and_gives_the_same(made: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given: dict[str, Any] = {"encoder": f"ours={made[0]}", "data": made[1], **FIELDS, **SHORT, "repeats": 2}
    whole = evaluate("finetune", out=tmp_path / "whole", **given)
    from vesalius.training.stop import StopRequests

    real, steps = StopRequests.agreed, []

    def stop(self: StopRequests) -> bool:
        steps.append(1)
        return len(steps) == 8 or real(self)  # the second training's second step

    monkeypatch.setattr(StopRequests, "agreed", stop)
    with pytest.raises(Preempted, match=str(tmp_path / "cut")):
        evaluate("finetune", out=tmp_path / "cut", **given)
    assert len(steps) == 8
    evaluate("finetune", resume=tmp_path / "cut", quiet=True)
    assert len(steps) == 6 * 2  # every step was taken once
    a, b = ((path / "finetune" / "ours" / "table.safetensors").read_bytes() for path in (whole.path, tmp_path / "cut"))
    from safetensors.torch import load

    assert torch.equal(load(a)["answers"], load(b)["answers"])


def test_what_diverges_is_told(made: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"ours on table at --lr 1e\+30 diverged"):
        evaluate("finetune", encoder=f"ours={made[0]}", data=made[1], out=tmp_path / "run", **FIELDS, **SHORT, lr=1e30)


def test_the_time_it_takes_is_said_after_the_first_steps(made: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fields = {**FIELDS, **SHORT, "quiet": False, "steps": 52, "batch": 8, "validate_every": 60, "lr": 1e-3}
    evaluate("finetune", encoder=f"ours={made[0]}", data=made[1], out=tmp_path / "run", **fields)
    said = capsys.readouterr().err
    assert "finetune: 52 steps of 8 images take" in said
    assert "1 pairs with 1 trainings each would take" in said
    model = Classifier.load(tmp_path / "run" / "finetune" / "ours" / "table" / "seed-1")
    assert np.isfinite(float(model.head.state_dict()["bias"].sum()))
