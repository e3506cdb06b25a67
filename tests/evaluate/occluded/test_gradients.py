"""Maps by gradients: equal to a version by hand, and nothing is left in the encoder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vesalius.encoders import build_encoder
from vesalius.encoders.encoder import Card, Encoder
from vesalius.encoders.torchvision_family import TorchvisionEncoder
from vesalius.errors import UserError
from vesalius.evaluate.occluded import attention, gradients

CNN: dict[str, Any] = {"name": "resnet18", "width": 0.0625, "size": (64, 64), "mean": (0.5,) * 3, "std": (0.25,) * 3}
VIT: dict[str, Any] = {"name": "timm:vit_tiny_patch16_224", "size": (64, 64), "depth": 2, "embed_dim": 24, "num_heads": 2}


OTHERS: tuple[str, ...] = ("timm:mobilenetv3_small_050", "timm:mobilevit_xxs", "timm:swin_tiny_patch4_window7_224", "torchvision:vit_b_16", "monai:vit")
OTHERS += ("monai:segresnet", "densenet121")


def made(name: str, **options: Any) -> Encoder:
    torch.manual_seed(3)
    encoder = tiny() if name.startswith("torchvision:vit") else build_encoder(name, **options)
    for module in encoder.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.running_mean, -0.2, 0.2)  # type: ignore[arg-type]
            nn.init.uniform_(module.running_var, 0.5, 2.0)  # type: ignore[arg-type]
    return encoder


def tiny() -> Encoder:
    """torchvision's vision transformer, of which all that have names are large."""
    from torchvision.models import VisionTransformer

    network = VisionTransformer(64, 16, num_layers=2, num_heads=2, hidden_dim=16, mlp_dim=16)
    network.heads = nn.Identity()
    encoder = TorchvisionEncoder(network, "encoder", False)
    encoder.card = Card(architecture="torchvision:vit_b_16", size=(64, 64), dim=16)
    return encoder


@pytest.fixture(scope="module")
def cnn() -> Encoder:
    return made(**CNN)


@pytest.fixture(scope="module")
def vit() -> Encoder:
    return made(**VIT)


@pytest.fixture(scope="module")
def x() -> Tensor:
    return torch.rand(3, 3, 64, 64, generator=torch.Generator().manual_seed(1))


@contextmanager
def nothing_left(encoder: Encoder) -> Iterator[None]:
    """Inside, no module may be in training mode while it is called; afterwards everything is as before."""
    encoder.train()
    encoder.network.eval()  # a mixture: the encoder trains, its network does not
    next(encoder.network.children()).train()
    first = next(iter(encoder.parameters()))
    first.requires_grad_(False)
    called: list[bool] = []
    handles = [each.register_forward_pre_hook(lambda module, inputs: called.append(module.training)) for each in encoder.modules()]
    before = {name: tensor.clone() for name, tensor in encoder.state_dict().items()}
    modes, wanted = [each.training for each in encoder.modules()], [each.requires_grad for each in encoder.parameters()]
    random = torch.random.get_rng_state()
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
    assert called
    assert not any(called)
    assert [each.training for each in encoder.modules()] == modes
    assert [each.requires_grad for each in encoder.parameters()] == wanted
    assert all(each.grad is None for each in encoder.parameters())
    assert not any(each._forward_hooks or each._forward_pre_hooks or each._backward_hooks for each in encoder.modules())
    assert all(torch.equal(tensor, before[name]) for name, tensor in encoder.state_dict().items())
    assert torch.equal(torch.random.get_rng_state(), random)
    first.requires_grad_(True)


def grey(encoder: Encoder) -> Tensor:
    return torch.tensor(encoder.card.mean or (0.0,) * 3).view(1, 3, 1, 1).expand(1, 3, 64, 64)


def by_hand(encoder: Encoder, x: Tensor, name: str, prefix: int | None = None) -> Tensor:
    """Grad-CAM of the way from the empty image's feature to the image's own; an image at a time."""
    found = []
    with torch.no_grad():
        plain = encoder.eval()(grey(encoder)).pooled
    for one in torch.split(x, 1):
        kept: list[Tensor] = []
        handle = encoder.network.get_submodule(name).register_forward_hook(lambda module, inputs, output, kept=kept: kept.append(output))
        pooled = encoder(one).pooled
        handle.remove()
        (gradient,) = torch.autograd.grad(((pooled - plain) * (pooled - plain).detach()).sum(), kept[0])
        value = kept[0].detach()
        if prefix is not None:
            value, gradient = (each[:, prefix:].mT.reshape(1, each.shape[2], 4, 4) for each in (value, gradient))
        cam = F.relu((gradient.mean((2, 3), keepdim=True) * value).sum(1, keepdim=True))
        large = F.interpolate(cam, one.shape[2:], mode="bilinear")[0, 0]
        found.append(large / large.max())
    return torch.stack(found)


@pytest.mark.parametrize("layer", ["", "layer3", "layer2.0.bn1"])
def test_grad_cam_of_a_cnn_is_that_by_hand(cnn: Encoder, x: Tensor, layer: str) -> None:
    # behind bn1 is a ReLU in place, which by hand has to be kept from its work
    relu: Any = cnn.network.get_submodule("layer2.0.relu")
    relu.inplace = False
    wanted = by_hand(cnn, x, layer or "layer4")
    relu.inplace = True
    with nothing_left(cnn):
        found = gradients.grad_cam(cnn, x, layer=layer, batch_size=2)
    assert not found.requires_grad
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-5)


def test_grad_cam_of_tokens_is_that_by_hand(vit: Encoder, x: Tensor) -> None:
    with nothing_left(vit):
        found = gradients.grad_cam(vit, x)
    assert gradients.last_layer(vit.eval(), x[:1]) == "blocks.1.norm1"
    torch.testing.assert_close(found, by_hand(vit, x, "blocks.1.norm1", prefix=1), rtol=1e-4, atol=1e-5)
    assert found.amax((1, 2)).tolist() == [1.0] * 3


def test_of_a_mean_it_is_each_place_s_part_of_the_feature(cnn: Encoder, x: Tensor) -> None:
    with torch.no_grad():
        (pooled, features, _), plain = cnn.eval()(x), cnn(grey(cnn)).pooled
    part = F.relu(torch.einsum("bd,bdhw->bhw", pooled - plain, features))
    large = F.interpolate(part[:, None], x.shape[2:], mode="bilinear")[:, 0]
    torch.testing.assert_close(gradients.grad_cam(cnn, x), large / large.amax((1, 2), keepdim=True), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", OTHERS)
def test_other_networks_have_a_last_layer(name: str, x: Tensor) -> None:
    small: dict[str, Any] = {
        "timm:swin_tiny_patch4_window7_224": {"depths": (1, 1), "embed_dim": 12, "num_heads": (1, 2), "window_size": 4},
        "monai:segresnet": {"channels": 3, "init_filters": 4, "blocks_down": (1, 1)},
        "monai:vit": {"channels": 3, "hidden_size": 24, "mlp_dim": 24, "num_layers": 2, "num_heads": 2},
    }
    encoder = made(name, size=(64, 64), **small.get(name, {}))
    assert encoder.eval()(x[:1]).map.shape[2:].numel() > 1
    with nothing_left(encoder):
        found = gradients.grad_cam(encoder, x[:2])
    assert found.shape == (2, 64, 64)
    assert found.amin() >= 0
    assert found.amax() == 1
    assert found.std() > 0


def test_integrated_gradients_add_up_to_the_whole_way(cnn: Encoder, x: Tensor) -> None:
    with gradients.differentiable(cnn):
        parts = gradients.attributions(cnn, x, steps=40, batch_size=120)
    torch.testing.assert_close(parts.sum((1, 2, 3)), torch.ones(3), rtol=0, atol=0.01)
    with nothing_left(cnn):
        found = gradients.integrated_gradients(cnn, x, steps=8, batch_size=2)
    assert found.shape == (3, 64, 64)
    assert found.amax((1, 2)).tolist() == [1.0] * 3
    sharp = gradients.integrated_gradients(cnn, x, steps=40, blur=0, batch_size=120)
    sizes = parts.sum(1).abs()
    torch.testing.assert_close(sharp, sizes / sizes.amax((1, 2), keepdim=True))
    assert sharp.diff(dim=1).abs().mean() > 2 * found.diff(dim=1).abs().mean()


def test_nothing_is_left_where_it_fails(cnn: Encoder, vit: Encoder, x: Tensor) -> None:
    with nothing_left(cnn):
        with pytest.raises(UserError, match=r"has no layer 'layer9'. Near or first names: layer"):
            gradients.grad_cam(cnn, x, layer="layer9")
        gradients.grad_cam(cnn, x)
    with pytest.raises(UserError, match=r"Layer 'fc_norm' of timm:vit_tiny_patch16_224 has no places"):
        gradients.grad_cam(vit, x, layer="fc_norm")
    other = made("monai:vit", size=(64, 64), channels=3, hidden_size=24, mlp_dim=24, num_layers=2, num_heads=2)
    with pytest.raises(UserError, match=r"Layer 'blocks.0.norm_cross_attn' of monai:vit has no part in its feature"):
        gradients.grad_cam(other, x, layer="blocks.0.norm_cross_attn")
    vector = made("resnet18", width=0.0625, size=(16, 16), stem="standard")
    with pytest.raises(UserError, match="has no places: it puts out a tensor of shape"):
        gradients.grad_cam(vector, torch.rand(1, 3, 16, 16))


def test_volumes_are_refused(cnn: Encoder) -> None:
    for look in (gradients.grad_cam, gradients.integrated_gradients, attention.rollout, attention.attention):
        with pytest.raises(UserError, match="an encoder of volumes"):
            look(cnn, torch.rand(1, 3, 8, 8, 8))


def test_an_image_without_feature_has_a_map_of_zeros() -> None:
    encoder = made(**CNN)
    with torch.no_grad():
        for each in encoder.parameters():
            each.zero_()
    assert gradients.grad_cam(encoder, torch.rand(1, 3, 64, 64)).count_nonzero() == 0
