"""Names are turned one into another by order and kind, and what a sequence hides is brought to light."""

from __future__ import annotations

import pytest
import torch
from lightly.models import ResNetGenerator
from torch import nn
from torchvision import models

from vesalius.encoders.layouts import translate


def test_names_that_are_right_stay() -> None:
    tensors = models.resnet18().state_dict()
    out, old, facts = translate(tensors)
    assert list(out) == list(tensors)
    assert old == {name: name for name in tensors}
    assert facts == {}


@pytest.mark.parametrize("gone", [1, 2])
def test_a_sequence_of_a_resnets_children(gone: int) -> None:
    network = models.resnet18()
    out, _, facts = translate(nn.Sequential(*list(network.children())[:-gone]).state_dict())
    theirs = {k: v for k, v in network.state_dict().items() if not k.startswith("fc")}
    assert list(out) == list(theirs)
    assert all(out[k] is not None and torch.equal(out[k], v) for k, v in theirs.items())
    assert facts == {}


def test_lightlys_sequence_lacks_a_relu() -> None:
    network = ResNetGenerator("resnet-18", width=0.125)
    out, _, facts = translate(nn.Sequential(*list(network.children())[:-1]).state_dict())
    assert facts == {"stem": "lightly"}
    assert {"layer2.0.downsample.0.weight", "layer2.0.downsample.1.weight"} <= out.keys()
    assert not any("shortcut" in name for name in out)


def test_a_norm_of_the_input_is_a_mean_and_a_deviation() -> None:
    norm = nn.BatchNorm2d(3)
    with torch.no_grad():
        for tensor in (norm.weight, norm.bias, norm.running_mean, norm.running_var):
            tensor.uniform_(0.2, 2)
    parts = [norm, *list(ResNetGenerator("resnet-18", width=0.125).children())[:-1]]
    _, _, facts = translate(nn.Sequential(*parts).state_dict())
    x = torch.rand(2, 3, 4, 4)
    mean, std = (torch.tensor(facts[key]).view(1, 3, 1, 1) for key in ("mean", "std"))
    torch.testing.assert_close((x - mean) / std, norm.eval()(x))


def test_a_negative_scale_is_no_deviation() -> None:
    norm = nn.BatchNorm2d(3)
    nn.init.constant_(norm.weight, -1)
    parts = [norm, *list(ResNetGenerator("resnet-18", width=0.125).children())[:-1]]
    _, _, facts = translate(nn.Sequential(*parts).state_dict())
    assert "mean" not in facts


@pytest.mark.parametrize("before", ["", "features.", "densenet_features."])
def test_densenets_whose_classifier_is_gone(before: str) -> None:
    with torch.device("meta"):
        network = models.densenet121()
    given = {f"{before}{name}": tensor for name, tensor in network.features.state_dict().items()}
    out, _, _ = translate(given)
    assert list(out) == [name for name in network.state_dict() if not name.startswith("classifier")]
