from __future__ import annotations

import pytest
import torch
from torchvision import models

from vesalius.encoders import build_encoder, load_encoder, save_encoder
from vesalius.errors import UserError

NETWORKS = [
    ("resnet18", 512, 512, 64),
    ("densenet121", 1024, 1024, 64),
    ("mobilenet_v3_small", 1024, 576, 64),
    ("shufflenet_v2_x0_5", 1024, 1024, 64),
    ("mnasnet0_5", 1280, 1280, 64),
    ("squeezenet1_1", 512, 512, 64),
    ("regnet_y_400mf", 440, 440, 64),
    ("googlenet", 1024, 1024, 64),
    ("swin_t", 768, 768, 64),
    ("mobilenet_v2", 1280, 1280, 64),
]


@pytest.mark.parametrize(("name", "dim", "width", "side"), NETWORKS)
def test_shapes_channels_and_gradients(name: str, dim: int, width: int, side: int) -> None:
    for channels in (1, 4):
        encoder = build_encoder(f"torchvision:{name}", channels=channels, size=(side, side))
        encoding = encoder(torch.rand(2, channels, side, side))
        assert encoding.pooled.shape == (2, dim) == (2, encoder.card.dim)
        assert encoding.map.shape[:2] == (2, width)
        assert encoding.tokens.shape == (2, encoding.map.shape[2:].numel(), width)
    encoding.pooled.sum().backward()
    assert all(p.grad is not None for p in encoder.parameters())


@pytest.mark.parametrize("name", ["resnet18", "densenet121", "swin_t"])
def test_pooled_is_what_the_classifier_saw(name: str) -> None:
    encoder = build_encoder(f"torchvision:{name}", size=(64, 64)).eval()
    peer = models.get_model(name).eval()
    peer.load_state_dict(encoder.network.state_dict(), strict=False)
    seen = []
    last = [m for m in peer.modules() if isinstance(m, torch.nn.Linear)][-1]
    last.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    x = torch.rand(2, 3, 64, 64)
    peer(x)
    encoding = encoder(x)
    torch.testing.assert_close(encoding.pooled, seen[0])
    torch.testing.assert_close(encoding.map.mean((2, 3)), encoding.pooled)


def test_vision_transformer() -> None:
    encoder = build_encoder("torchvision:vit_b_32", size=(64, 64), channels=1)
    encoding = encoder(torch.rand(1, 1, 64, 64))
    assert encoding.map.shape == (1, 768, 2, 2)
    assert encoding.tokens.shape == (1, 4, 768)


def test_saved_and_loaded(tmp_path) -> None:
    encoder = build_encoder("torchvision:shufflenet_v2_x0_5", channels=1, size=(64, 64)).eval()
    save_encoder(encoder, tmp_path)
    x = torch.rand(2, 1, 64, 64)
    assert torch.equal(load_encoder(tmp_path)(x).pooled, encoder(x).pooled)


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("torchvision:resnet19", {}, "Did you mean resnet1"),
        ("torchvision:resnet18", {"size": (8, 8, 8)}, "two dimensions"),
        ("torchvision:resnet18", {"depth": 3}, "cannot be built"),
        ("torchvision:inception_v3", {"size": (32, 32)}, "Choose another size"),
    ],
)
def test_refusals(name: str, options: dict[str, object], words: str) -> None:
    with pytest.raises(UserError, match=words):
        build_encoder(name, **options)
