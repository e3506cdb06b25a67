"""Training views at the encoder's size, ending as its card's preprocessing ends; the encoder a recipe means."""

from __future__ import annotations

from typing import Any

import pytest

from vesalius.encoders import build_encoder
from vesalius.errors import UserError
from vesalius.recipes.finetune_config import FinetuneConfig
from vesalius.recipes.labelled_material import training_views


def config(**fields: Any) -> FinetuneConfig:
    return FinetuneConfig.model_validate({"data": {"train": "x"}, "epochs": 1, **fields})


def test_views_have_the_encoders_size_and_ending() -> None:
    encoder = build_encoder("resnet18", width=0.0625, channels=1, size=(20, 20))
    steps = [*encoder.card.preprocessing, {"normalise": {"mean": [0.5], "std": [0.2]}}]
    encoder.card = encoder.card.model_copy(update={"preprocessing": steps})
    for given in ("mild", "cifar-head", {"global": {"count": 1, "size": 9, "operations": ["centre_crop"]}}):
        made = training_views(config(views=given), encoder)
        assert dict(made.makes) == {"global": (1, (20, 20))}
        assert "normalise" in str(made.config()["global"]["operations"][-1])
    names = [next(iter(step)) for step in training_views(config(), encoder).config()["global"]["operations"]]
    assert "horizontal_flip" not in names, "left and right may be what the label is about"


def test_other_groups_are_dropped_and_global_is_needed() -> None:
    encoder = build_encoder("resnet18", width=0.0625, channels=1, size=(20, 20))
    group = {"count": 1, "size": 9, "operations": ["centre_crop"]}
    both = {"shared": ["horizontal_flip"], "global": group, "local": group}
    assert list(training_views(config(views=both), encoder).makes) == ["global"]
    with pytest.raises(UserError, match="needs views named 'global'; these views make local"):
        training_views(config(views={"local": group}), encoder)
