from __future__ import annotations

import pytest
import torch

from vesalius.encoders import build_encoder
from vesalius.errors import UserError


def test_standard_stem_is_torchvisions_network() -> None:
    from torchvision.models import densenet121

    peer = densenet121().eval()
    peer.classifier = torch.nn.Identity()
    mine = build_encoder("densenet121", stem="standard", size=(64, 64)).eval()
    mine.network.load_state_dict(peer.state_dict())
    x = torch.rand(2, 3, 64, 64)
    torch.testing.assert_close(mine(x).pooled, peer(x), atol=1e-5, rtol=1e-5)
    assert mine.card.dim == 1024


@pytest.mark.parametrize(("stem", "side"), [("small", 4), ("innereye", 2), ("standard", 1)])
@pytest.mark.parametrize("channels", [1, 4])
def test_stems_and_channels(stem: str, side: int, channels: int) -> None:
    encoder = build_encoder("densenet121", stem=stem, width=0.25, channels=channels)
    encoding = encoder(torch.rand(2, channels, 32, 32))
    assert encoding.map.shape[2:] == (side, side)
    encoding.pooled.sum().backward()
    assert all(p.grad is not None for p in encoder.parameters())


def test_innereyes_network_has_no_final_relu() -> None:
    x = torch.rand(2, 3, 32, 32)
    plain = build_encoder("densenet121", width=0.25, final_relu=False).eval()(x).map
    with_relu = build_encoder("densenet121", width=0.25).eval()(x).map
    assert plain.min() < 0
    torch.testing.assert_close(plain.relu(), with_relu)


@pytest.mark.parametrize("options", [{"stem": "no"}, {"width": 0.01}, {"size": (8, 8, 8)}])
def test_refused(options: dict[str, object]) -> None:
    with pytest.raises(UserError):
        build_encoder("densenet121", **options)
