from __future__ import annotations

from pathlib import Path

import pytest
import torch

from vesalius.encoders import build_encoder
from vesalius.errors import UserError


@pytest.mark.parametrize("name", ["resnet18", "resnet34", "resnet50", "resnet101"])
@pytest.mark.parametrize("width", [0.125, 0.25])
def test_as_many_parameters_as_lightly(name: str, width: float) -> None:
    from lightly.models import ResNetGenerator

    peer = ResNetGenerator(name.replace("resnet", "resnet-"), width=width)
    peers = sum(p.numel() for n, p in peer.named_parameters() if not n.startswith("linear"))
    assert sum(p.numel() for p in build_encoder(name, width=width).parameters()) == peers


def test_equal_outputs_to_lightly_with_its_weights() -> None:
    from lightly.models import ResNetGenerator

    peer = ResNetGenerator("resnet-18", width=0.25).eval()
    peer.linear = torch.nn.Identity()
    mine = build_encoder("resnet18", width=0.25).eval()
    renamed = {k.replace("shortcut", "downsample"): v for k, v in peer.state_dict().items()}
    given = {k: renamed[k] for k in mine.network.state_dict()}
    mine.network.load_state_dict(given)
    x = torch.rand(3, 3, 32, 32)
    torch.testing.assert_close(mine(x).pooled, peer(x))


@pytest.mark.parametrize("name", ["resnet18", "resnet50"])
def test_standard_stem_is_torchvisions_network(name: str) -> None:
    from torchvision import models

    peer = models.get_model(name).eval()
    peer.fc = torch.nn.Identity()
    mine = build_encoder(name, stem="standard", size=(64, 64)).eval()
    mine.network.load_state_dict(peer.state_dict())
    x = torch.rand(2, 3, 64, 64)
    torch.testing.assert_close(mine(x).pooled, peer(x))


@pytest.mark.parametrize(("stem", "side"), [("small", 4), ("innereye", 2), ("standard", 1)])
def test_stems_reduce_32_pixels_as_documented(stem: str, side: int) -> None:
    encoding = build_encoder("resnet18", stem=stem, width=0.125)(torch.rand(2, 3, 32, 32))
    assert encoding.map.shape == (2, 64, side, side)
    assert encoding.tokens.shape == (2, side * side, 64)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_channels_and_gradients(channels: int) -> None:
    encoder = build_encoder("resnet18", width=0.125, channels=channels)
    encoder(torch.rand(4, channels, 32, 32)).pooled.square().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in encoder.parameters())


def test_zero_initialised_residuals_start_as_the_identity() -> None:
    encoder = build_encoder("resnet18", width=0.125, zero_init_residual=True).eval()
    x = torch.rand(2, 3, 32, 32)
    outs = encoder.layers(x, ["relu", "layer1"])
    torch.testing.assert_close(outs["layer1"], torch.relu(encoder.network.bn1(encoder.network.conv1(x))))


def test_volumes() -> None:
    encoder = build_encoder("resnet18", width=0.125, channels=1, size=(16, 16, 16))
    assert encoder(torch.rand(2, 1, 16, 16, 16)).map.shape == (2, 64, 2, 2, 2)


def test_channels_last_changes_nothing() -> None:
    encoder = build_encoder("resnet18", width=0.125).eval()
    x = torch.rand(2, 3, 32, 32)
    plain = encoder(x).pooled
    last = encoder.to(memory_format=torch.channels_last)(x.to(memory_format=torch.channels_last))
    assert last.map.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(last.pooled, plain, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("options", [{"stem": "tiny"}, {"width": 0.001}])
def test_refused_options_name_what_there_is(options: dict[str, object]) -> None:
    with pytest.raises(UserError, match=r"small, standard, innereye|least"):
        build_encoder("resnet18", **options)


def test_one_dimension_is_refused() -> None:
    with pytest.raises(UserError, match="2 or 3 spatial dimensions"):
        build_encoder("resnet18", size=(32,))


@pytest.mark.parametrize("padding", ["same_pool", "same"])
@pytest.mark.parametrize("dims", [2, 3])
def test_padding_names_no_other_tensors_and_is_one_for_odd_sides(padding: str, dims: int) -> None:
    options = {"stem": "standard", "width": 0.125, "size": (33,) * dims}
    plain, same = (
        build_encoder("resnet50", **options).eval(),
        build_encoder("resnet50", padding=padding, **options).eval(),
    )
    same.network.load_state_dict(plain.network.state_dict())
    odd, even = torch.rand(2, 3, *(33,) * dims), torch.rand(2, 3, *(36,) * dims)
    torch.testing.assert_close(same(odd).map, plain(odd).map)  # 33, 17, 9, 5, 3, 2
    assert same(even).map.shape == plain(even).map.shape
    assert not torch.allclose(same(even).map, plain(even).map)


def test_unknown_padding() -> None:
    with pytest.raises(UserError, match="symmetric, same_pool, same"):
        build_encoder("resnet18", padding="valid")


def test_padding_goes_with_the_card_and_into_no_other_library(tmp_path: Path) -> None:
    from vesalius.encoders import load_encoder, save_encoder
    from vesalius.encoders.twins import NoTwin, torchvision_name

    encoder = build_encoder("resnet18", stem="standard", padding="same").eval()
    save_encoder(encoder, tmp_path)
    x = torch.rand(1, 3, 64, 64)
    torch.testing.assert_close(load_encoder(tmp_path)(x).pooled, encoder(x).pooled)
    with pytest.raises(NoTwin, match="pads symmetrically, this one same"):
        torchvision_name(encoder.card)
