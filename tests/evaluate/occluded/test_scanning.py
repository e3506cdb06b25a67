# Proves evaluate.occluded.crops, evaluate.occluded.reach too: see mirrors.yaml.

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from vesalius.encoders import build_encoder
from vesalius.encoders.encoder import Card, Encoder
from vesalius.errors import UserError
from vesalius.evaluate.occluded.folding import folded
from vesalius.evaluate.occluded.scanning import Scanner


def made(name: str, size: tuple[int, int], channels: int = 3, **options: object) -> Encoder:
    """An encoder whose norms are not the identity and whose card has a mean."""
    torch.manual_seed(0)
    encoder = build_encoder(name, channels=channels, size=size, **options).eval()
    for module in encoder.modules():
        if isinstance(module, nn.BatchNorm2d):
            for tensor, low in ((module.running_mean, -0.2), (module.running_var, 0.5), (module.weight.data, 0.5), (module.bias.data, -0.2)):
                tensor.uniform_(low, low + 0.6)
    encoder.card = encoder.card.model_copy(update={"mean": (0.4,) * channels, "std": (0.3,) * channels})
    return encoder


def whole(encoder: Encoder, x: Tensor, window: int, fill: Tensor, places: Tensor) -> Tensor:
    """The original's way: each image through all of the network."""
    hidden = encoder.standardised(x).repeat(len(places), 1, 1, 1)
    for image, (down, across) in zip(hidden, places.tolist(), strict=True):
        image[:, max(0, down + 1 - window) : down + 1, max(0, across + 1 - window) : across + 1] = fill.view(-1, 1, 1)
    with torch.no_grad():
        clean = encoder(x).pooled
        return torch.linalg.vector_norm(encoder.encode(hidden, None, None).pooled - clean, dim=1) / torch.linalg.vector_norm(clean)


NETWORKS = {
    "resnet18, not square": ("resnet18", (40, 53), 3, {"width": 0.125, "stem": "standard"}, 2),
    "small stem, one channel": ("resnet18", (32, 32), 1, {"width": 0.0625}, 3),
    "padded as TensorFlow does": ("resnet50", (48, 47), 3, {"width": 0.0625, "stem": "standard", "padding": "same"}, 3),
    "squeeze and excitation": ("timm:mobilenetv3_small_050", (48, 48), 3, {}, 1),
    "transformer": ("timm:vit_tiny_patch16_224", (48, 48), 3, {"depth": 1, "embed_dim": 24}, 0),
}


@pytest.mark.parametrize(("name", "size", "channels", "options", "links"), NETWORKS.values(), ids=NETWORKS)
def test_scores_are_those_of_whole_passes_wherever_the_window_is(name, size, channels, options, links):
    encoder = made(name, size, channels, **options)
    x = torch.rand(1, channels, *size, generator=torch.Generator().manual_seed(1))
    fill = torch.linspace(-0.5, 0.5, channels)
    scanner = Scanner(encoder, x, 6, fill)
    assert len(scanner.links) >= links  # the shortcut is taken where it can be
    assert scanner.places == (size[0] + 5, size[1] + 5)
    generator = torch.Generator().manual_seed(2)
    places = torch.stack([torch.randint(count, (24,), generator=generator) for count in scanner.places], 1)
    border = torch.tensor([[0, 0], [0, size[1] + 4], [size[0] + 4, 3], [size[0] + 4, size[1] + 4], [5, 5]])
    places = torch.cat([places, border])
    torch.testing.assert_close(scanner.scores(places), whole(encoder, x, 6, fill, places), rtol=0, atol=1e-5)


def test_every_window_of_a_small_image_even_one_as_large_as_it():
    encoder = made("resnet18", (16, 16), 1, width=0.0625)
    x = torch.rand(1, 1, 16, 16)
    for window in (1, 16, 20):
        scanner = Scanner(encoder, x, window, torch.zeros(1))
        places = torch.cartesian_prod(*(torch.arange(0, count, 3) for count in scanner.places))
        torch.testing.assert_close(scanner.scores(places), whole(encoder, x, window, torch.zeros(1), places), rtol=0, atol=1e-5)


class Glancing(nn.Module):
    """A chain whose second module is looked at again at the end, so that it cannot be left out."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, 4, 3, padding=1)
        self.second = nn.Conv2d(4, 4, 3, stride=2, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.second(self.first(x)) + self.second(self.first(x.flip(2))).sin()


def test_a_network_that_is_no_chain_goes_whole():
    torch.manual_seed(0)
    encoder = Encoder(Glancing(), Card(architecture="glancing", channels=1, size=(24, 24), dim=4)).eval()
    x = torch.rand(1, 1, 24, 24)
    scanner = Scanner(encoder, x, 4, torch.zeros(1))
    assert not scanner.links
    places = torch.tensor([[3, 4], [20, 11], [0, 26]])
    torch.testing.assert_close(scanner.scores(places), whole(encoder, x, 4, torch.zeros(1), places), rtol=0, atol=1e-5)


def test_nothing_of_the_encoder_changes_and_norms_are_folded():
    encoder = made("resnet18", (32, 32), width=0.0625)
    before = {name: tensor.clone() for name, tensor in encoder.state_dict().items()}
    x = torch.rand(1, 3, 32, 32)
    scanner = Scanner(encoder, x, 6, torch.zeros(3))
    scanner.scores(torch.tensor([[3, 3]]))
    assert all(torch.equal(tensor, before[name]) for name, tensor in encoder.state_dict().items())
    assert all(tensor.is_contiguous() for tensor in encoder.state_dict().values())
    made_of = folded(encoder, x)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in made_of.network.modules())
    torch.testing.assert_close(made_of.encode(x, None, None).map, encoder.encode(x, None, None).map, rtol=1e-4, atol=1e-5)
    transformer = made("timm:vit_tiny_patch16_224", (32, 32), depth=1, embed_dim=24)
    assert folded(transformer, x) is transformer


def test_bfloat16_is_near_and_features_without_length_are_one_paragraph():
    encoder = made("resnet18", (32, 32), width=0.0625, stem="standard")
    x = torch.rand(1, 3, 32, 32)
    places = torch.tensor([[3, 3], [20, 30], [12, 9]])
    exact = Scanner(encoder, x, 8, torch.zeros(3)).scores(places)
    half = Scanner(encoder, x, 8, torch.zeros(3), torch.bfloat16)
    assert half.links
    torch.testing.assert_close(half.scores(places), exact, rtol=0.2, atol=0.02)
    for value, said in ((0.0, "is all zeros"), (torch.nan, "are no numbers")):
        for parameter in encoder.parameters():
            parameter.data.fill_(value)
        for module in encoder.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.running_mean.zero_()
        with pytest.raises(UserError, match=said):
            Scanner(encoder, x, 8, torch.zeros(3))
