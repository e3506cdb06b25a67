"""Maps by attention: the network's own numbers, multiplied as the paper has it; read without a trace."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from tests.evaluate.occluded.test_gradients import VIT, made, nothing_left
from vesalius.encoders.encoder import Encoder
from vesalius.encoders.resizing import resized
from vesalius.errors import UserError
from vesalius.evaluate.occluded import attention
from vesalius.evaluate.occluded.scaling import over_pixels

SMALL: dict[str, dict[str, Any]] = {
    "timm:vit_tiny_patch16_224": {**VIT, "depth": 3},
    "timm:vit_small_patch14_reg4_dinov2": {"size": (56, 56), "depth": 2, "embed_dim": 24, "num_heads": 2},
    "timm:eva02_tiny_patch14_224": {"size": (56, 56), "depth": 2, "embed_dim": 24, "num_heads": 2},
    "timm:vit_base_patch16_siglip_224": {"size": (64, 64), "depth": 2, "embed_dim": 24, "num_heads": 2, "global_pool": "avg"},
    "torchvision:vit_b_16": {},
    "monai:vit": {"channels": 3, "size": (64, 64), "hidden_size": 24, "mlp_dim": 24, "num_layers": 2, "num_heads": 2},
}


def small(name: str) -> Encoder:
    encoder = made(**{"name": name, **SMALL[name]})
    with torch.no_grad():  # sharper than random attention, which is all but uniform
        for each, parameter in encoder.named_parameters():
            if each.endswith(("qkv.weight", "in_proj_weight")):
                parameter.mul_(20)
    return encoder


def images(encoder: Encoder, count: int = 3) -> Tensor:
    return torch.rand(count, 3, *encoder.card.size, generator=torch.Generator().manual_seed(1))


def read(encoder: Encoder, x: Tensor) -> list[Tensor]:
    """The matrices of every layer, as ``attention`` reads them."""
    found: list[Tensor] = []
    attention._followed(encoder, x, found.append)
    return found


def slow(matrices: list[Tensor], image: int) -> np.ndarray:
    """Rollout of one image in double precision, entry by entry: how much of each token stands at each at the end."""
    tokens = matrices[0].shape[-1]
    state = np.eye(tokens)
    for matrix in matrices:
        mean = matrix[image].double().numpy().sum(0) / matrix.shape[1]
        state = np.array([[sum(((row == k) + mean[row, k]) / 2 * state[k, at] for k in range(tokens)) for at in range(tokens)] for row in range(tokens)])
    return state


@pytest.mark.parametrize("name", SMALL)
def test_rows_add_up_to_one_and_nothing_is_left(name: str) -> None:
    encoder = small(name)
    x = images(encoder)
    with torch.no_grad():
        before = encoder.eval()(x).pooled
    with nothing_left(encoder):
        found = read(encoder, x)
    assert len(found) == SMALL[name].get("depth", 2)
    for matrix in found:
        torch.testing.assert_close(matrix.sum(-1), torch.ones(matrix.shape[:-1]), rtol=0, atol=1e-5)
    with torch.no_grad():
        assert torch.equal(encoder.eval()(x).pooled, before), "the fused way again"


@pytest.mark.parametrize("name", [name for name in SMALL if name != "timm:vit_small_patch14_reg4_dinov2"])
def test_rollout_is_that_of_the_slow_version(name: str) -> None:
    encoder = small(name)
    x = images(encoder, 2)
    matrices = read(encoder, x)
    prefix = matrices[0].shape[-1] - 16
    by_class = name in ("timm:vit_tiny_patch16_224", "torchvision:vit_b_16")
    for image in range(2):
        state = slow(matrices, image)
        row = state[0] if by_class else state[prefix:].mean(0)
        wanted = over_pixels(torch.from_numpy(row[prefix:].reshape(1, 4, 4)), encoder.card.size)[0]
        found = attention.rollout(encoder, x, batch_size=1)[image]
        torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-5)
        assert found.std() > 0


def test_what_is_read_is_what_the_fused_way_weights_by() -> None:
    encoder = small("timm:vit_tiny_patch16_224").eval()
    x = images(encoder)
    inputs: list[Tensor] = []
    block: Any = encoder.network.get_submodule("blocks.0.attn")
    handle = block.qkv.register_forward_hook(lambda module, given, output: inputs.append(output))
    with torch.no_grad():
        encoder(x)
        handle.remove()
        assert block.fused_attn
        q, k, v = inputs[0].reshape(3, 17, 3, 2, 12).permute(2, 0, 3, 1, 4)
        weights = read(encoder, x)[0]
        torch.testing.assert_close(weights, (q @ k.mT / 12**0.5).softmax(-1), rtol=0, atol=1e-5)
        torch.testing.assert_close(weights @ v, F.scaled_dot_product_attention(q, k, v), rtol=0, atol=1e-5)


@pytest.mark.parametrize("pool", ["token", "avg"])
def test_uniform_attention_makes_a_uniform_map(pool: str) -> None:
    encoder = made(**{**VIT, "global_pool": pool})
    with torch.no_grad():
        for name, parameter in encoder.named_parameters():
            if "qkv" in name:
                parameter.zero_()
    torch.testing.assert_close(attention.rollout(encoder, images(encoder)), torch.ones(3, 64, 64))


def test_the_last_attention_of_the_class_token() -> None:
    encoder = small("timm:vit_tiny_patch16_224")
    x = images(encoder)
    with nothing_left(encoder):
        heads = attention.last_attention(encoder, x, batch_size=2)
    patches = read(encoder, x)[-1][:, :, 0, 1:].reshape(3, 2, 4, 4)
    assert heads.shape == (3, 2, 64, 64)
    torch.testing.assert_close(heads[1], over_pixels(patches[1], (64, 64)))
    torch.testing.assert_close(attention.attention(encoder, x), over_pixels(patches.mean(1), (64, 64)))


def test_registers_are_not_patches() -> None:
    encoder = small("timm:vit_small_patch14_reg4_dinov2")
    assert attention.rollout(encoder, images(encoder)).shape == (3, 56, 56)
    assert read(encoder, images(encoder))[0].shape[-1] == 21


def test_another_size_and_an_oblong_one() -> None:
    encoder = resized(small("timm:vit_tiny_patch16_224"), (96, 48))
    x = images(encoder, 2)
    assert attention.rollout(encoder, x).shape == (2, 96, 48)
    assert attention.last_attention(encoder, x).shape == (2, 2, 96, 48)
    matrices = read(encoder, x)
    wanted = over_pixels(torch.from_numpy(slow(matrices, 0)[:1, 1:].reshape(1, 6, 3)), (96, 48))[0]
    torch.testing.assert_close(attention.rollout(encoder, x)[0], wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["resnet18", "timm:swin_tiny_patch4_window7_224"])
def test_networks_without_such_attention_are_refused(name: str) -> None:
    more: dict[str, Any] = {"width": 0.0625} if name == "resnet18" else {"depths": (1, 1), "embed_dim": 12, "num_heads": (1, 2), "window_size": 4}
    encoder = made(name=name, size=(64, 64), **more)
    with nothing_left(encoder), pytest.raises(UserError, match="no layers in which all of its tokens attend to each other"):
        attention.rollout(encoder, images(encoder))


def test_a_mean_of_patches_has_no_class_token_to_show() -> None:
    encoder = small("monai:vit")
    with pytest.raises(UserError, match=r"has no class token whose attention could be shown\. Use the map attention-rollout"):
        attention.last_attention(encoder, images(encoder))
