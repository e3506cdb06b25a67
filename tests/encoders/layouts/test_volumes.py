"""What full-size dictionaries of MONAI tell of their network, and what is said of tensors that nothing ever used."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.encoders.layouts.volumes_of_others import VOLUMES
from vesalius.encoders import build_encoder, load_encoder
from vesalius.encoders.layouts import Contents, encoder_in, tell, translate
from vesalius.encoders.layouts.volumes import planned
from vesalius.errors import UserError


def shapes_of(network: Any) -> dict[str, Tensor]:
    """Names and shapes without the values."""
    return {name: torch.full((1,), 0.5).expand(tensor.shape) for name, tensor in network.state_dict().items()}


def test_the_full_size_dictionaries_of_the_tutorial_and_of_a_masked_autoencoder() -> None:
    from monai.networks.nets import UNETR, ViTAutoEnc
    from monai.networks.nets.masked_autoencoder_vit import MaskedAutoEncoderViT

    with torch.device("meta"):
        wanted = {k: v.shape for k, v in UNETR(1, 14, (96, 96, 96)).vit.state_dict().items()}
        whole = ViTAutoEnc(1, (96, 96, 96), (16, 16, 16))
        masked = MaskedAutoEncoderViT(1, (96, 96, 96), (16, 16, 16), mlp_dim=3072, pos_embed_type="learnable")
    assert len(whole.state_dict()) == 165
    for network, same in ((whole, 161), (masked, 159)):
        part = encoder_in(Contents(shapes_of(network), "torch file"))
        assert part is not None
        tensors, old, _ = translate(part.tensors)
        assert {k: v.shape for k, v in tensors.items() if k in wanted} == wanted
        assert sum(old[name] == name for name in wanted) == same
        told = tell(tensors, {})
        assert told is not None
        assert (told.name, told.channels, told.size) == ("monai:vit", 1, (96, 96, 96))
        assert dict(told.options) == {
            "hidden_size": 768,
            "mlp_dim": 3072,
            "num_layers": 12,
            "num_heads": 12,
            "patch_size": [16] * 3,
        }


@pytest.mark.parametrize(
    ("row", "count", "words"),
    [
        ("tutorial_best", 161, "head: conv3d_transpose.weight"),
        ("monai_0_8", 137, "nothing ever used it: patch_embedding.cls_token; 24 tensors that no forward"),
        ("monai_1_4", 161, "nothing ever used it: blocks.0.cross_attn.to_q.weight and 59 more"),
        ("monai_mae", 161, "head: mask_tokens"),
    ],
)
def test_what_was_found_is_said(row: str, count: int, words: str, tmp_path: Path) -> None:
    loaded = load_encoder(VOLUMES[row](tmp_path).path).loaded
    assert loaded is not None
    assert loaded.sentence().startswith(f"{count} of {count} tensors")
    assert words in loaded.sentence()
    assert "how its volumes were prepared" in loaded.sentence()


def test_the_file_tells_the_options_and_the_size_of_a_named_network(tmp_path: Path) -> None:
    path = VOLUMES["tutorial_best"](tmp_path).path
    encoder = build_encoder("monai:vit", channels=2, size=(48, 32, 32), weights=path)
    assert encoder.loaded is not None
    assert encoder.card.dim == 24
    assert "interpolated from 2×2×2 to 3×2×2" in encoder.loaded.sentence()
    assert "adapted from 1 to 2 channels" in encoder.loaded.sentence()
    with pytest.raises(UserError, match="Only 0% of the network's tensors"):
        build_encoder("monai:segresnet", channels=1, size=(32, 32, 32), init_filters=4, weights=path)


def test_a_network_of_volumes_by_name_has_the_shape_of_its_weights(tmp_path: Path) -> None:
    card = load_encoder("monai:vit", weights=VOLUMES["tutorial_best"](tmp_path).path).card
    assert (card.channels, card.size, card.dim) == (1, (32, 32, 32), 24)
    card = load_encoder("monai:segresnet", init_filters=4, blocks_down=[1, 1]).card
    assert (card.channels, card.size) == (1, (96, 96, 96))
    assert build_encoder("resnet18", width=0.125).card.size == (32, 32)


def test_half_a_dictionary_is_refused(tmp_path: Path) -> None:
    other = VOLUMES["monai_1_3"](tmp_path)
    tensors = torch.load(other.path, weights_only=True)
    torch.save({k: v for k, v in tensors.items() if "mlp.linear2" not in k}, other.path)
    with pytest.raises(UserError, match=r"Only 82% .* Missing: blocks.0.mlp.linear2.weight"):
        load_encoder(other.path)


def test_plans_that_say_nothing_useful_are_passed_over() -> None:
    assert planned({}) == {}
    assert planned(
        {"architecture_plans": {"arch_kwargs": {"strides": ["a", 2]}}, "recommended_downstream_patchsize": [160] * 3}
    ) == {"size": (160,) * 3}
    fine = {"patch_size": [64, 128, 128], "architecture": {"arch_kwargs": {"strides": [1, [1, 2, 2]]}}}
    plans = {"configurations": {"2d": {"patch_size": [1, 2]}, "3d_fullres": fine}}
    assert planned({"plans": plans, "configuration": "3d_fullres"}) == {
        "strides": [1, [2, 2, 1]],
        "size": (128, 128, 64),
    }
