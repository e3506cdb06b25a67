from __future__ import annotations

import math
from collections.abc import Mapping

import pytest
import torch
from torch import Tensor

from vesalius.encoders import Encoder, build_encoder
from vesalius.encoders.agreement import TOLERANCE, agreement, probe_images


@pytest.fixture
def encoder() -> Encoder:
    return build_encoder("resnet18", width=0.0625, size=(16, 16)).eval()


def changed(encoder: Encoder, by: float, *, count: int | None = None) -> object:
    """The encoder itself, ``by`` added to one feature of the last image, or only for so many images."""

    def features(x: Tensor) -> Mapping[str, Tensor]:
        out = {name: value.clone() for name, value in encoder(x)._asdict().items()}
        if count in (None, len(x)):
            out["pooled"][-1, 3] += by
        return out

    return features


def test_the_same_network_differs_by_nothing(encoder: Encoder) -> None:
    found = agreement(encoder, changed(encoder, 0))
    assert (found.difference, found.relative, found.good) == (0, 0, True)
    assert found.outputs == ("pooled", "map", "tokens")
    with torch.no_grad():
        assert found.largest == max(float(encoder(probe_images(encoder.card, n)).map.abs().max()) for n in (1, 3))


@pytest.mark.parametrize("count", [None, 1, 3])
def test_one_feature_of_one_image_is_enough(encoder: Encoder, count: int | None) -> None:
    with torch.no_grad():
        largest = max(float(encoder(probe_images(encoder.card, n)).pooled.abs().max()) for n in (1, 3))
    for share, good in ((0.5, True), (2.0, False)):
        found = agreement(encoder, changed(encoder, share * TOLERANCE * largest, count=count))
        assert found.good is good
        assert found.relative == pytest.approx(share * TOLERANCE, rel=0.02)


def test_small_features_are_held_to_their_own_size(encoder: Encoder) -> None:
    with torch.no_grad():
        for parameter in encoder.network.layer4[-1].bn2.parameters():
            parameter.zero_()
        for parameter in [*encoder.network.layer4[-2].bn2.parameters(), *encoder.network.layer4[0].downsample[1].parameters()]:
            parameter.mul_(1e-6)
    found = agreement(encoder, lambda x: {"pooled": encoder(x).pooled * 1.01})
    assert found.difference < TOLERANCE
    assert not found.good


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_what_is_no_number_does_not_pass(encoder: Encoder, value: float) -> None:
    assert not agreement(encoder, changed(encoder, value)).good
    assert not agreement(encoder, changed(encoder, value, count=1)).good


def test_another_shape_does_not_pass(encoder: Encoder) -> None:
    assert not agreement(encoder, lambda x: {"pooled": encoder(x).pooled[:, :1]}).good


@pytest.mark.parametrize("size", [(16,), (16, 24), (9, 8, 10)])
def test_images_are_of_the_cards_shape_and_differ(encoder: Encoder, size: tuple[int, ...]) -> None:
    images = probe_images(encoder.card.model_copy(update={"size": size, "channels": 2}), 3)
    assert images.shape == (3, 2, *size)
    assert images.min() >= 0
    assert images.max() <= 1
    assert images.flatten(1).std(1).min() > 0.02
    assert (images[0] - images[1]).abs().max() > 0.05
    assert torch.equal(images[:1], probe_images(encoder.card.model_copy(update={"size": size, "channels": 2}), 1))
