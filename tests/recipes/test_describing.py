"""`recipes show`: each field once, with its value and what it means."""

from __future__ import annotations

from pathlib import Path

import pytest

from vesalius.recipes.describing import describe, verb_of
from vesalius.recipes.loading import load_pretrain
from vesalius.recipes.shipped import names


@pytest.mark.parametrize("name", names())
def test_each_field_is_listed_once_with_its_value(name: str) -> None:
    rows = describe(name)
    config, _ = load_pretrain(name)
    shown = {field: value for field, value, *_ in rows}
    assert len(shown) == len(rows)
    assert shown["batch_size"] == str(config.batch_size)
    assert shown["method.name"] == config.method.name
    assert shown["data.train"] == config.data.train
    assert "monitors.linear.lr" in shown or all(monitor.name != "linear" for monitor in config.monitors)
    assert "optimizer.warmup.share" in shown


def test_defaults_of_a_choice_are_shown_with_their_meaning() -> None:
    rows = {field: (value, meaning) for field, value, meaning, _ in describe("cifar10-simclr")}
    assert rows["method.temperature"] == ("0.2", "Temperature of NT-Xent.")
    assert rows["method.dim"][0] == "128"
    assert rows["encoder.stem"][0] == "small"
    assert rows["steps"] == ("", "Length in steps; or give epochs.")


def test_every_field_of_the_recipe_says_what_it_means() -> None:
    bare = [field for field, _, meaning, _ in describe("cifar10-simclr") if not meaning]
    assert bare == []


@pytest.mark.parametrize("name", [*names("finetune"), "SSLClassifierCIFAR"])
def test_recipes_of_fine_tuning_are_described_too(name: str) -> None:
    rows = {field: (value, meaning) for field, value, meaning, _ in describe(name)}
    assert all(meaning for _, meaning in rows.values())
    segmenting = rows.get("data.kind", ("", ""))[0] == "segmentation"
    assert rows["encoder.freeze"][0] == str(not segmenting)
    assert {"data.train", "optimizer.layer_decay", "seeds", "sliding.overlap" if segmenting else "linear_first"} <= rows.keys()


def test_a_file_is_described_by_the_verb_it_is_for(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("extends: classifier\nbatch_size: 8\n")
    (tmp_path / "own.yaml").write_text("data: {train: x}\nepochs: 1\nbalanced: true\n")
    assert ["batch_size", "8", "Samples per process and step.", "mine.yaml"] in describe(str(tmp_path / "mine.yaml"))
    assert verb_of(str(tmp_path / "own.yaml")) == "finetune"
    assert verb_of("cifar10-simclr") == "pretrain"


def test_a_decoder_is_shown_with_its_own_fields() -> None:
    rows = {field: (value, meaning) for field, value, meaning, _ in describe("btcv-unetr")}
    assert rows["decoder.name"] == ("unetr", "One of auto, segresnet, swin-unetr, unet, unetr.")
    assert rows["decoder.feature_size"][0] == "16"
    assert rows["decoder.norm"][1].startswith("Norm of the convolutions")
    assert {field for field, *_ in describe("volume-segmentation") if field.startswith("decoder.")} == {"decoder.name"}
