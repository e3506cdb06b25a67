"""Which names both libraries share is a fact about them: held against both."""

from __future__ import annotations

import pytest
import timm
import torch
from torchvision import models

from vesalius.encoders import build_encoder
from vesalius.encoders.twins import (
    SHARED,
    NoTwin,
    apply_changes,
    timm_name,
    timm_twin,
    torchvision_name,
    torchvision_twin,
)


@pytest.mark.parametrize("name", SHARED)
def test_shared_names_have_the_same_tensors(name: str) -> None:
    with torch.device("meta"):
        one, two = timm.create_model(name).state_dict(), models.get_model(name, weights=None).state_dict()
    assert {k: v.shape for k, v in one.items()} == {k: v.shape for k, v in two.items()}


def test_names() -> None:
    card = build_encoder("resnet18", width=0.0625).card
    standard = {"architecture": "resnet50", "options": {"stem": "standard", "zero_init_residual": True}}
    assert timm_name(card.model_copy(update=standard)) == torchvision_name(card.model_copy(update=standard)) == "resnet50"
    tagged = {"architecture": "timm:resnet50.a1_in1k", "options": {}}
    assert timm_name(card.model_copy(update=tagged)) == "resnet50.a1_in1k"
    assert torchvision_name(card.model_copy(update=tagged)) == "resnet50"
    assert timm_name(card.model_copy(update={"architecture": "torchvision:densenet161", "options": {}})) == "densenet161"
    for card_of in ({"architecture": "mine.py:build"}, {"architecture": "torchvision:vgg11"}, {}):
        with pytest.raises(NoTwin):
            timm_name(card.model_copy(update={"options": {}, **card_of}))
    with pytest.raises(NoTwin, match=r"no network of the name mine\.py:build"):
        torchvision_name(card.model_copy(update={"architecture": "mine.py:build", "options": {}}))


def test_a_mask_token_of_ours_stays_at_home_and_one_of_theirs_goes_along() -> None:
    ours = build_encoder("timm:vit_tiny_patch16_224", depth=1, size=(32, 32))
    assert "mask_token" in ours.network.state_dict()
    twin = timm_twin(ours)
    assert "mask_token" not in twin.tensors
    assert twin.keywords == {"in_chans": 3, "img_size": (32, 32), "dynamic_img_size": True, "depth": 1}
    assert set(timm.create_model(twin.name, num_classes=0, **twin.keywords).state_dict()) == set(twin.tensors)


def test_tensors_that_do_not_fit_are_named() -> None:
    encoder = build_encoder("timm:resnet10t", size=(32, 32))
    encoder.network.conv1[0] = torch.nn.Conv2d(3, 5, 3)
    with pytest.raises(NoTwin, match=r"timm's resnet10t has other tensors \(conv1\.0\.weight, conv1\.0\.bias\)"):
        timm_twin(encoder)


def test_changes_are_plain_and_can_be_repeated() -> None:
    twin = torchvision_twin(build_encoder("resnet18", channels=2))
    assert [change[:2] for change in twin.changes] == [("fc", "Identity"), ("conv1", "Conv2d"), ("maxpool", "Identity")]
    network = models.resnet18()
    apply_changes(network, twin.changes)
    network.load_state_dict(twin.tensors)
    assert network(torch.rand(2, 2, 16, 16)).shape == (2, 512)
