"""The same weights for images of another size."""

from __future__ import annotations

import pytest
import torch

from vesalius.encoders import build_encoder
from vesalius.encoders.resizing import resized
from vesalius.errors import UserError


def test_a_cnn_keeps_its_weights_and_follows_in_its_preparation() -> None:
    encoder = build_encoder("resnet18", width=0.0625, size=(32, 32), mean=(0.5,) * 3, std=(0.2,) * 3).eval()
    encoder.card = encoder.card.model_copy(update={"preprocessing": [{"resize": {"shorter": 36}}, {"centre_crop": {}}]})
    larger = resized(encoder, (64, 64))
    assert larger.card.size == (64, 64)
    assert larger.card.preprocessing[0]["resize"]["shorter"] == 72
    assert larger.card.mean == encoder.card.mean
    x = torch.rand(2, 3, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(larger(x).pooled, encoder(x).pooled)
    assert resized(encoder, (32, 32)) is encoder


def test_position_embeddings_of_a_transformer_are_interpolated() -> None:
    encoder = build_encoder("timm:vit_tiny_patch16_224", size=(32, 32)).eval()
    larger = resized(encoder, (64, 64))
    with torch.no_grad():
        assert larger(torch.rand(1, 3, 64, 64)).map.shape[2:] == (4, 4)
    assert larger.card.patch == (16, 16)


def test_volumes_are_refused() -> None:
    with pytest.raises(UserError, match="plan"):
        resized(build_encoder("monai:segresnet", size=(32, 32, 32)), (64, 64, 64))


