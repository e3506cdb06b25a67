from __future__ import annotations

import pytest

from vesalius.encoders import published
from vesalius.errors import UserError


def test_every_model_says_where_it_is_from_and_what_it_wants() -> None:
    for name, (family, model) in published.models().items():
        assert family.MODELS[name] is model
        assert model.url.startswith("https://")
        assert model.file
        assert model.trained_on
        assert len(model.mean) == len(model.std) in (0, model.channels)
        assert len(model.sha256) in (0, 8, 64)


def test_another_name_means_the_same_model_and_a_slip_is_answered() -> None:
    found = published.published("supervised")
    assert found is not None
    assert found[1].name == "supervised_r50"
    assert published.published("no such model") is None
    with pytest.raises(UserError, match=r"Did you mean .*moco-v2"):
        published.required("moco-v3")


def test_preprocessing_takes_the_middle_of_the_resized_image() -> None:
    assert published.resized(256, {"invert": {}}) == ({"resize": {"shorter": 256}}, {"centre_crop": {}}, {"invert": {}})
