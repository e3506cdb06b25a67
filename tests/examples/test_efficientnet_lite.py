"""Real ImageNet weights in timm's network: every tensor finds its place, and they see what is in a photograph."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from efficientnet_lite_pytorch import EfficientNet
from safetensors.torch import load_file
from sklearn.datasets import load_sample_images
from torch import Tensor, nn
from torch.nn import functional as F

from examples import efficientnet_lite
from vesalius.encoders import build_encoder

PALACE, DAISY = 698, 985
"""What stands in scikit-learn's two photographs, as ImageNet's classes."""


@pytest.fixture(scope="module")
def tensors() -> dict[str, Tensor]:
    return efficientnet_lite.convert(efficientnet_lite.published())


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("weights") / "efficientnet-lite0.safetensors"
    efficientnet_lite.main(str(place))
    return place


def photographs() -> Tensor:
    """(2, 3, 224, 224) in [0, 1]: the middle of a Chinese palace and of a flower."""
    squares = []
    for image in load_sample_images().images:
        x = torch.from_numpy(image.copy()).permute(2, 0, 1)[None].float() / 255
        side = min(x.shape[2:])
        top, left = (x.shape[2] - side) // 2, (x.shape[3] - side) // 2
        squares.append(F.interpolate(x[:, :, top : top + side, left : left + side], size=224, mode="bilinear", antialias=True))
    return torch.cat(squares)


@pytest.mark.parametrize("name", ["tf_efficientnet_lite0", "efficientnet_lite0"])
def test_every_tensor_has_its_place_and_shape(name: str, tensors: dict[str, Tensor]) -> None:
    wanted = timm.create_model(name).state_dict()
    assert {key: value.shape for key, value in tensors.items()} == {key: value.shape for key, value in wanted.items()}


def test_it_is_the_same_function(tensors: dict[str, Tensor]) -> None:
    original = EfficientNet.from_name("efficientnet-lite0")
    original.load_state_dict(efficientnet_lite.published())
    converted = timm.create_model("tf_efficientnet_lite0")
    converted.load_state_dict(tensors)
    x = 2 * photographs() - 1
    with torch.no_grad():
        torch.testing.assert_close(converted.eval()(x), original.eval()(x), atol=1e-5, rtol=1e-5)


def top(network: nn.Module) -> list[list[int]]:
    with torch.no_grad():
        return network.eval()(2 * photographs() - 1).topk(5).indices.tolist()  # type: ignore[no-any-return]


def test_it_sees_what_is_in_a_photograph_and_random_weights_do_not(tensors: dict[str, Tensor]) -> None:
    network = timm.create_model("tf_efficientnet_lite0")
    torch.manual_seed(0)
    palace, flower = top(network)
    assert PALACE not in palace
    assert DAISY not in flower
    network.load_state_dict(tensors)
    palace, flower = top(network)
    assert (palace[0], flower[0]) == (PALACE, DAISY)


def test_an_encoder_starts_from_the_file_knowing_mean_and_deviation(file: Path) -> None:
    encoder = build_encoder("timm:tf_efficientnet_lite0.in1k", size=(224, 224), weights=file).eval()
    assert (encoder.card.mean, encoder.card.std) == ((0.5,) * 3, (0.5,) * 3)
    assert encoder.loaded is not None
    assert not encoder.loaded.missing
    assert {name.partition(".")[0] for name in encoder.loaded.unexpected} == {"classifier"}
    assert dict(load_file(file)).keys() == encoder.network.state_dict().keys() | {"classifier.weight", "classifier.bias"}
    classifier: Any = nn.Linear(1280, 1000)
    classifier.load_state_dict({"weight": load_file(file)["classifier.weight"], "bias": load_file(file)["classifier.bias"]})
    with torch.no_grad():
        assert classifier(encoder(photographs()).pooled).argmax(1).tolist() == [PALACE, DAISY]


def test_a_grey_image_acts_as_its_copy_in_three_channels(file: Path) -> None:
    colour = build_encoder("timm:tf_efficientnet_lite0.in1k", size=(64, 64), weights=file).eval()
    grey = build_encoder("timm:tf_efficientnet_lite0.in1k", channels=1, size=(64, 64), weights=file).eval()
    x = torch.rand(2, 1, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(grey(x).pooled, colour(x.expand(-1, 3, -1, -1)).pooled, atol=1e-4, rtol=1e-4)
