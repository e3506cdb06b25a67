"""InnerEye's augmentation files in a recipe: read into it, refused with CIFAR, and the head's falling back to the encoder's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from tests.recipes.tiny import VIEWS, blobs, tiny
from tests.views.innereye_files import ENCODER, HEAD
from vesalius import pretrain, views
from vesalius.errors import UserError
from vesalius.recipes.arguments import from_pairs, pairs
from vesalius.recipes.assembly import assemble
from vesalius.recipes.augmentation import HEAD_FALLS_BACK
from vesalius.recipes.finetune_loading import load_finetune
from vesalius.recipes.loading import load_pretrain
from vesalius.recipes.material import load_material
from vesalius.terminal import Terminal
from vesalius.training.world import World
from vesalius.views import innereye

SMALL = ENCODER.replace("resize: 256", "resize: 18").replace("center_crop_size: 224", "center_crop_size: 16")


def load(reference: Any, *words: str) -> tuple[Any, list[str]]:
    return load_pretrain(reference, from_pairs(pairs(words))[0])


def head_of(config: Any) -> Any:
    return next(m for m in config.monitors if m.name == "linear").fields.get("views")


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "encoder.yaml").write_text(SMALL)
    (tmp_path / "head.yaml").write_text(HEAD)
    (tmp_path / "smooth.yaml").write_text(SMALL + "  label_smoothing: {epsilon: 0.1}\n")
    return tmp_path


def test_a_file_is_read_into_the_recipe_and_the_heads_falls_back(files):
    config, said = load(tiny("x"), "--ssl_augmentation_config", str(files / "encoder.yaml"))
    assert config.views == innereye.recipe(yaml.safe_load(SMALL))
    assert head_of(config) == config.views
    assert said == [HEAD_FALLS_BACK]
    again, more = load_pretrain(config.model_dump(mode="json", exclude_none=True))
    assert (again.model_dump(mode="json"), more) == (config.model_dump(mode="json"), [])


def test_both_files_and_none(files):
    given = ("--ssl_augmentation_config", str(files / "encoder.yaml"), "--linear_head_augmentation_config")
    config, said = load(tiny("x"), *given, str(files / "head.yaml"))
    assert head_of(config)["global"]["count"] == 1
    assert said == []
    config, said = load(tiny("x"), *given[:2], "--monitors.linear.views", "none")
    assert head_of(config) == "none"
    assert said == []
    config, _ = load(tiny("x"), "--views", "simclr")
    assert head_of(config) is None, "other recipes have no such rule"
    config, said = load({**tiny("x"), "data": {"train": "x"}}, *given[:2])
    assert head_of(config) is None, "and nothing falls back where nothing is labelled"


def test_the_originals_names_mean_our_recipes():
    config, _ = load(tiny("x"), "--views", "SSL/configs/cxr_ssl_encoder_augmentations.yaml")
    assert config.views == "radiograph-innereye-encoder"
    assert head_of(config) == "radiograph-innereye-encoder"


def test_label_smoothing_says_that_it_has_no_effect(files):
    _, said = load(tiny("x"), "--views", str(files / "smooth.yaml"))
    assert innereye.UNUSED in said


@pytest.mark.parametrize("words", [("--ssl_augmentation_config",), ("--views", "radiograph", "--linear_head_augmentation_config")])
def test_cifar_and_a_file_are_refused(words, files):
    with pytest.raises(UserError, match="for radiographs, and cifar10 has augmentations of its own") as error:
        load("cifar10-simclr", *words, str(files / "encoder.yaml"))
    assert "\n" not in str(error.value)


def test_a_fault_in_a_file_names_file_and_key(files):
    (files / "wrong.yaml").write_text("augmentation: {use_random_crops: True}")
    with pytest.raises(UserError, match=r"wrong\.yaml there is no key augmentation\.use_random_crops\. Did you mean"):
        load(tiny("x"), "--views", str(files / "wrong.yaml"))


def test_compat_brings_the_heads_file_for_radiographs():
    config, _ = load("nih-rsna-byol", "--compat", "innereye", "--data.root", "x")
    assert (config.views, head_of(config)) == ("radiograph-innereye-encoder", "radiograph-innereye-head")


def test_fine_tuning_reads_such_files_as_one_view(files):
    given = from_pairs(pairs(["--linear_head_augmentation_config", str(files / "head.yaml"), "--encoder", "resnet18"]), "finetune")[0]
    config = load_finetune("classifier", given, complete=False)
    assert views.load(config.views, 3).makes == {"global": (1, (224, 224))}


def test_the_head_learns_from_changed_images_and_is_judged_on_unchanged_ones(tmp_path):
    """Anew at every event, the same when asked twice; validation images are seen once for all monitors."""
    noisy = {"global": {"count": 1, "size": 16, "operations": ["random_resized_crop", {"noise": {"p": 1.0, "std": 0.3}}]}}
    recipe = tiny(blobs(tmp_path), monitors=[{"name": "linear", "views": noisy}, {"name": "linear"}])
    config, _ = load_pretrain(recipe)
    parts = assemble(config, load_material(config, Terminal(quiet=True)), World(0, 1, torch.device("cpu"), None))
    (_, changed, _), (_, plain, _) = parts.watch.entries
    assert changed.forward is plain.forward
    assert (changed.rows["views"] == plain.rows["train"]).all()
    rows = changed.rows["views"]
    first, same, later = (changed.views(parts.encoder, rows, step) for step in (3, 3, 4))
    assert torch.equal(first, same)
    assert (first - later).abs().max() > 1e-4
    assert first.shape == plain.forward(parts.encoder, rows).shape
    assert not torch.equal(first, plain.forward(parts.encoder, rows))
    assert {name: len(v) for name, v in changed.labels["views"].items()} == {name: len(v) for name, v in plain.labels["train"].items()}


def test_a_run_with_files_ends_and_holds_what_they_said(files, tmp_path):
    blob = blobs(tmp_path)
    run = pretrain(tiny(blob, steps=2), out=tmp_path / "run", quiet=True, ssl_augmentation_config=str(files / "encoder.yaml"))
    kept = yaml.safe_load((run.path / "config.yaml").read_text())
    assert kept["views"]["global"]["operations"][0]["affine"]["degrees"] == 180
    assert "encoder.yaml" not in (run.path / "config.yaml").read_text()


def test_views_of_another_size_keep_their_framing():
    made = views.at_size(views.load("radiograph-innereye-encoder", 1), (112, 112))
    steps = {name: fields for step in made.config()["global"]["operations"] for name, fields in step.items()}
    assert (made.makes["global"], steps["random_resized_crop"]["size"]) == ((2, (112, 112)), 128)
    assert (steps["elastic"]["alpha"], steps["elastic"]["sigma"]) == (17, 2)
    assert views.at_size(views.load(VIEWS, 1), (16, 16)).config() == views.load(VIEWS, 1).config()
