from __future__ import annotations

from pathlib import Path
from typing import Any

import lpips
import pytest
import torch
import torchvision

from tests.evaluate.perceptual.random_networks import without_heads
from vesalius.errors import UserError
from vesalius.evaluate.perceptual import distances
from vesalius.evaluate.perceptual.backbones import BACKBONES

NETS = sorted(BACKBONES)


@pytest.fixture(scope="module")
def models(networks: dict[str, Path]) -> dict[str, Any]:
    return distances.loaded(networks, torch.device("cpu"))


@pytest.fixture(scope="module")
def images() -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(5)
    return torch.rand(3, 3, 64, 64), torch.rand(3, 3, 64, 64)


@pytest.mark.parametrize("name", NETS)
def test_equals_the_class_of_the_authors_package(name: str, models: dict[str, Any], networks: dict[str, Path], images: Any) -> None:
    """Their constructor, which takes the same files from torch's cache; and the same values come out whatever the batch."""
    with without_heads():
        theirs = lpips.LPIPS(net=BACKBONES[name].net, verbose=False)
    with torch.no_grad():
        expected = theirs(images[0] * 2 - 1, images[1] * 2 - 1).flatten()
    assert (expected > 0.01).all()
    for batch_size in (1, 2, 8):
        found = distances.apart({name: models[name]}, *images, batch_size)[name]
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("name", NETS)
def test_equals_the_class_on_the_same_random_backbone(name: str, images: Any, tmp_path: Path) -> None:
    """Their class with ``pnet_rand``; its backbone given to ours as a file."""
    with without_heads():
        theirs = lpips.LPIPS(net=BACKBONES[name].net, pnet_rand=True, verbose=False)
    below = {f"features.{key.partition('.')[2]}": value for key, value in theirs.net.state_dict().items()}
    torch.save(below, tmp_path / "random.pth")
    ours = distances.network(BACKBONES[name].net, tmp_path / "random.pth")
    with torch.no_grad():
        expected = theirs(*images, normalize=True).flatten()
    torch.testing.assert_close(distances.apart({name: ours}, *images, 8)[name], expected, atol=1e-5, rtol=0)


def test_an_image_is_no_distance_from_itself_and_a_little_noise_less_far_than_much(models: dict[str, Any], images: Any) -> None:
    picture, noise = images
    near, far = (distances.apart(models, picture, (picture + share * (noise - 0.5)).clamp(0, 1), 8) for share in (0.05, 0.8))
    for name, same in distances.apart(models, picture, picture, 8).items():
        assert same.abs().max() == 0
        assert (near[name] > 0).all()
        assert (near[name] < far[name]).all()


def test_nothing_is_trained_drawn_or_in_training_mode(models: dict[str, Any]) -> None:
    for model in models.values():
        assert not any(module.training for module in model.modules())
        assert not any(parameter.requires_grad or parameter.is_meta for parameter in model.parameters())


def test_nothing_is_fetched(networks: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("something was to be downloaded")

    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", refuse)
    monkeypatch.setattr(torchvision.models._api, "load_state_dict_from_url", refuse)
    before = torch.get_rng_state()
    distances.network("squeeze", networks["squeezenet"])
    assert torch.equal(torch.get_rng_state(), before)  # nor is anything drawn


def test_a_file_of_another_network_says_what_is_missing(networks: dict[str, Path]) -> None:
    with pytest.raises(UserError, match=r"squeezenet1_1-.*features\.2\.weight is not in it|has the shape"):
        distances.network("vgg", networks["squeezenet"])


