"""``compat: monai-tutorial`` against facts of the tutorial's code, by recipes as a user loads them. No training.

Elsewhere: keys and parameters of its networks (methods/test_restoration), counts and sizes of holes (views/operations), its mean of
running means (tasks/test_dice), its lists (data/sources/test_datalist), its checkpoints (encoders/layouts).
"""

from __future__ import annotations

from typing import Any

import pytest

from vesalius.errors import UserError
from vesalius.recipes.finetune_loading import load_finetune
from vesalius.recipes.loading import load_pretrain

RECIPE: dict[str, Any] = {
    "data": {"train": "tcia-covid19-ct"}, "views": "ct-restoration", "method": {"name": "restoration"}, "epochs": 1,
    "monitors": [{"name": "reconstruction"}],
}  # fmt: skip


def test_pretraining_has_the_codes_numbers_and_says_what_measures_badly() -> None:
    config, sentences = load_pretrain(RECIPE, {"compat": "monai-tutorial"})
    assert config.optimizer.name == "adam"
    assert (config.optimizer.lr, config.optimizer.weight_decay, config.optimizer.schedule.name) == (1e-4, 0, "constant")
    assert config.method.fields["temperature"] == 0.05
    assert config.data.plan["orientation"] == "native"
    assert config.data.plan["spacing"] == [2, 2, 2]
    assert config.data.plan["intensity"] == {"rule": "window", "low": -57, "high": 164, "clip": True}
    assert (config.data.draws_per_sample, config.data.allow_leakage) == (2, True)
    assert (config.views, config.precision, config.export) == ("ct-restoration-anywhere", "fp32", "best-reconstruction")
    assert len(sentences) == 3
    assert all(sentence.startswith("compat monai-tutorial: ") for sentence in sentences)


def test_what_is_given_beside_it_wins_and_other_methods_are_refused() -> None:
    config, _ = load_pretrain(RECIPE, {"compat": "monai-tutorial", "method": {"temperature": 0.005}, "data": {"allow_leakage": False}})
    assert config.method.fields["temperature"] == 0.005
    assert not config.data.allow_leakage
    with pytest.raises(UserError, match="was by restoration, and this recipe's method is simclr"):
        load_pretrain("cifar10-simclr", {"compat": "monai-tutorial"})
    with pytest.raises(UserError, match="none, innereye, monai-tutorial"):
        load_pretrain("cifar10-simclr", {"compat": "monai"})


def test_a_resolved_configuration_is_loaded_again_as_it_is() -> None:
    config, _ = load_pretrain(RECIPE, {"compat": "monai-tutorial", "seed": 3})
    again, sentences = load_pretrain(config.model_dump(mode="json"))
    assert again.model_dump(mode="json") == config.model_dump(mode="json")
    assert len(sentences) == 3


def test_finetuning_has_the_codes_numbers() -> None:
    config: Any = load_finetune("btcv-unetr", {"compat": "monai-tutorial"}, complete=False)
    assert (config.sliding.overlap, config.sliding.mode, config.metric) == (0.25, "constant", "dice_monai_tutorial")
    assert (config.optimizer.name, config.optimizer.lr, config.optimizer.weight_decay) == ("adamw", 1e-4, 1e-5)
    assert config.steps == 30_000
    assert config.validate_every.steps == 100
    assert config.data.draws_per_sample == 4
    assert config.views == "btcv-segmentation"
