from __future__ import annotations

import pytest
import torch
from torch import nn

from vesalius.evaluate.reconstructed.generator import CHANNELS, KERNELS, SKIP, Generators, scales_of


class Plain(nn.Module):
    """One scale of the network layer by layer, as its paper draws it, and all below it."""

    def __init__(self, weights: dict[str, torch.Tensor], scales: int, scale: int = 0) -> None:
        super().__init__()
        self.weights, self.scale, kernel = weights, scale, KERNELS[scale]
        own = CHANNELS[scale]
        self.skip = self.block("skip", 1)
        self.down = nn.Sequential(self.convolution("down", kernel), nn.AvgPool2d(2), self.norm("down"), nn.LeakyReLU(0.2))
        self.again = self.block("again", kernel)
        self.below = Plain(weights, scales, scale + 1) if scale + 1 < scales else nn.Identity()
        self.join = self.norm("join")
        self.up = nn.Sequential(self.block("up", kernel), self.block("mix", 1))
        assert weights[f"{scale}/up/weight"].shape[0] == own

    def convolution(self, name: str, kernel: int) -> nn.Module:
        weight = self.weights[f"{self.scale}/{name}/weight"]
        made = nn.Conv2d(weight.shape[1], weight.shape[0], kernel, padding=kernel // 2)
        made.weight.data, made.bias.data = weight, self.weights[f"{self.scale}/{name}/bias"]
        return made

    def norm(self, name: str) -> nn.Module:
        made = nn.BatchNorm2d(len(self.weights[f"{self.scale}/{name}/gain"]))
        made.weight.data, made.bias.data = self.weights[f"{self.scale}/{name}/gain"], self.weights[f"{self.scale}/{name}/shift"]
        return made

    def block(self, name: str, kernel: int) -> nn.Module:
        return nn.Sequential(self.convolution(name, kernel), self.norm(name), nn.LeakyReLU(0.2))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        deep = nn.functional.interpolate(self.below(self.again(self.down(x))), scale_factor=2, mode="nearest")
        return self.up(self.join(torch.cat([self.skip(x), deep], 1)))


def test_the_documented_generator_has_as_many_parameters_as_documented():
    made = Generators([0], 3, (224, 224))
    assert made.parameters_each == sum(p.numel() for p in made.parameters()) == 2_606_763
    assert made.noise.shape == (1, 32, 256, 256)
    assert 0 <= float(made.noise.min()) < 0.001
    assert 0.099 < float(made.noise.max()) <= 0.1
    assert made().shape == (1, 3, 224, 224)


@pytest.mark.parametrize(("size", "channels"), [((64, 96), 3), ((30, 30), 1)])
def test_it_paints_what_the_network_of_the_paper_paints_layer_by_layer(size, channels):
    made = Generators([3], channels, size).double()
    with torch.no_grad():
        for name, weight in made.weights.items():
            if name.endswith(("gain", "shift")):  # not the ones and zeros they start as
                weight.add_(torch.rand(weight.shape, generator=torch.Generator().manual_seed(len(name)), dtype=weight.dtype))
    plain = Plain({name: weight.detach().clone() for name, weight in made.weights.items()}, made.scales).double()
    last = [made.weights[f"out/{part}"].detach() for part in ("weight", "bias")]
    theirs = nn.functional.conv2d(plain(made.noise), *last)[:, :, : size[0], : size[1]]
    ours = made()
    torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-9)
    ours.square().sum().backward()
    theirs.square().sum().backward()
    for name, one in (("down", plain.down[0]), ("again", plain.again[0]), ("up", plain.up[0][0])):
        grad = made.weights[f"0/{name}/weight"].grad
        torch.testing.assert_close(grad, one.weight.grad, rtol=1e-7, atol=1e-7 * float(grad.abs().max()))


def test_several_at_once_are_several_alone():
    together, alone = Generators([5, 6], 3, (32, 40)), [Generators([seed], 3, (32, 40)) for seed in (5, 6)]
    torch.testing.assert_close(together(), torch.cat([one() for one in alone]), rtol=1e-4, atol=1e-5)
    assert not torch.equal(alone[0].noise, alone[1].noise)
    assert torch.equal(Generators([5], 3, (32, 40))(), alone[0]())


def test_small_images_have_fewer_scales():
    assert [scales_of((side, side)) for side in (8, 16, 28, 32, 64, 127, 128, 224, 1024)] == [2, 3, 3, 4, 5, 5, 6, 6, 6]
    assert Generators([0], 1, (28, 28))().shape == (1, 1, 28, 28)
    assert SKIP == 4
