"""Recipes of fine-tuning: every spelling of an encoder, aliases, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from vesalius.errors import UserError
from vesalius.recipes.arguments import from_pairs, pairs
from vesalius.recipes.finetune_config import FinetuneConfig
from vesalius.recipes.finetune_loading import load_finetune
from vesalius.recipes.loading import load_pretrain
from vesalius.recipes.shipped import names, recipe_aliases


def load(*tokens: str, recipe: str = "cifar10-classifier") -> FinetuneConfig:
    return load_finetune(recipe, from_pairs(pairs(tokens, "finetune"), "finetune")[0])


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "first").mkdir()
    return tmp_path


@pytest.mark.parametrize("name", [*names("finetune"), *recipe_aliases("finetune")])
def test_every_shipped_recipe_is_checked(name: str, here: Path) -> None:
    config = load("--encoder", "first", "--data.train", "x", recipe=name)
    assert config.encoder.freeze is (config.data.kind != "segmentation")


@pytest.mark.parametrize(
    "tokens",
    [
        ["--encoder", "first"],
        ["--encoder.weights", "first"],
        ["--src_checkpoint", "first"],
        ["--local_weights_path", "first"],
        ["--local_weights_path", "first,second"],
        ["--local_ssl_weights_path=first"],
        ["--local-ssl-weights-path", "first"],
        ["--encoder.name", "first"],
    ],
)
def test_every_spelling_of_an_encoder(tokens: list[str], here: Path) -> None:
    config = load(*tokens)
    assert (config.encoder.name, config.encoder.weights) == (None, "first")


@pytest.mark.parametrize("word", ["False", "false", "no", "0"])
def test_freeze_encoder(word: str, here: Path) -> None:
    for tokens in (["--encoder", "first", f"--freeze_encoder={word}"], [f"--freeze_encoder={word}", "--encoder", "first"]):
        config = load(*tokens)
        assert not config.encoder.freeze
        assert config.encoder.weights == "first"
    assert load("--encoder", "first", "--freeze_encoder=True").encoder.freeze


def test_original_arguments() -> None:
    config = load(
        "--encoder", "resnet18", "--linear_head_dataset_name", "CIFAR100", "--linear_head_batch_size", "16", "--num_epochs", "7",
        "--use_balanced_binary_loss_for_linear_head", "yes", "--l_rate", "1e-4", "--local_dataset", "somewhere", "--random_seed", "42",
    )  # fmt: skip
    assert (config.data.train, config.data.root, config.batch_size, config.epochs) == ("cifar100", "somewhere", 16, 7)
    assert (config.balanced, config.optimizer.lr, config.optimizer.name, config.seed) == (True, 1e-4, "adamw", 42)


def test_the_originals_optimizer_is_that_of_the_classifier() -> None:
    words = ["--encoder", "resnet18", "--optimizer_type", "SGD", "--opt_eps", "1e-4", "--adam_betas", "0.8,0.9", "--weight_decay", "1e-4", "--momentum", "0.6"]
    optimizer = load(*words).optimizer
    assert (optimizer.name, optimizer.eps, optimizer.betas, optimizer.weight_decay, optimizer.momentum) == ("sgd", 1e-4, (0.8, 0.9), 1e-4, 0.6)
    changes, said = from_pairs(pairs(["--optimizer_type", "SGD"]))
    assert changes == {}
    assert "--optimizer.name sets it here" in said[0]


def test_another_encoder_keeps_what_is_no_part_of_it(here: Path) -> None:
    base = {"data": {"train": "x"}, "epochs": 1, "encoder": {"name": "resnet18", "width": 0.5, "freeze": False, "lr_factor": 0.2}}
    other = load_finetune(base, {"encoder": "densenet121"}).encoder
    assert (other.name, other.fields, other.freeze, other.lr_factor) == ("densenet121", {}, False, 0.2)
    saved = load_finetune(base, {"encoder": "first"}).encoder
    assert (saved.name, saved.weights, saved.fields, saved.freeze) == (None, "first", {}, False)
    assert load_finetune(base, {"encoder": {"width": 0.25}}).encoder.fields == {"width": 0.25}


def test_a_resolved_configuration_is_the_same_again(here: Path) -> None:
    config = load("--encoder", "first", "--patience", "null", "--optimizer.layer_decay", "null", "--seeds", "[1, 2]")
    assert (config.patience, config.optimizer.layer_decay, list(config.seeds)) == (None, None, [1, 2])
    kept = config.model_dump(mode="json")
    assert load_finetune(kept).model_dump(mode="json") == kept


@pytest.mark.parametrize(
    ("tokens", "words"),
    [
        ([], "names no encoder: give it with --encoder"),
        (["--encoder", "resnet19"], "no network 'resnet19'. Did you mean resnet18"),
        (["--encoder", "first", "--encoder.width", "2"], "width: options of a network by name"),
        (["--encoder.name", "first", "--encoder.weights", "second"], "has weights of its own"),
        (["--encoder", "first", "--encoder.freze", "false"], "freze"),
        (["--encoder", "first", "--balancd", "true"], "Did you mean balanced"),
        (["--encoder", "first", "--steps", "3", "--epochs", "4"], "exactly one of epochs and steps"),
        (["--encoder", "first", "--seeds", "[1, 1]"], "seeds holds one twice"),
    ],
)
def test_refusals(tokens: list[str], words: str, here: Path) -> None:
    with pytest.raises(UserError, match=words):
        load(*tokens)


def test_a_recipe_of_another_verb() -> None:
    with pytest.raises(UserError, match="another verb: `vesalius finetune SSLClassifierCIFAR`"):
        load_pretrain("SSLClassifierCIFAR")
    with pytest.raises(UserError, match="another verb: `vesalius pretrain cifar10-simclr`"):
        load(recipe="cifar10-simclr")


def test_compat_brings_the_originals_numbers_and_the_user_overrules_them() -> None:
    config = load("--compat", "innereye", "--encoder", "resnet18", "--optimizer.lr", "0.01", recipe="CXRImageClassifier")
    optimizer = config.optimizer
    assert (optimizer.name, optimizer.lr, optimizer.eps, optimizer.weight_decay) == ("adam", 0.01, 1e-4, 1e-4)
    assert (optimizer.schedule.name, optimizer.warmup.steps, optimizer.layer_decay, config.encoder.lr_factor) == ("constant", 0, None, 1)
    assert (config.dropout, config.linear_first, config.patience, config.views, config.balanced) == (0.2, False, None, "radiograph-innereye-head", True)
    again = load_finetune(config.model_dump(mode="json"))
    assert again.model_dump(mode="json") == config.model_dump(mode="json")
    assert load("--compat", "innereye", "--encoder", "resnet18").views == "cifar-head"
    with pytest.raises(UserError, match="known: none, innereye"):
        load("--compat", "monai", "--encoder", "resnet18")
