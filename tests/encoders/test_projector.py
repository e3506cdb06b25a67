from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from vesalius.encoders.projector import MLP, load_projector, save_projector


def kinds(mlp: MLP) -> list[str]:
    return [type(m).__name__ + ("" if not isinstance(m, nn.Linear) or m.bias is not None else "-no-bias") for m in mlp]


def test_simclrs_and_byols_heads() -> None:
    assert kinds(MLP(8, 16, 4, last_bias=False)) == ["Linear", "BatchNorm1d", "ReLU", "Linear-no-bias"]
    assert kinds(MLP(8, 16, 4, first_bias=False)) == ["Linear-no-bias", "BatchNorm1d", "ReLU", "Linear"]


def test_other_heads() -> None:
    assert kinds(MLP(8, 16, 4, layers=1)) == ["Linear"]
    three = MLP(8, 16, 4, layers=3, last_norm=True, last_affine=False)
    assert kinds(three) == ["Linear", "BatchNorm1d", "ReLU"] * 2 + ["Linear", "BatchNorm1d"]
    assert three[-1].weight is None
    assert kinds(MLP(8, 16, 4, norm=False)) == ["Linear", "ReLU", "Linear"]
    assert kinds(MLP(8, 16, 4, layers=3, norm=False, gelu=True)) == ["Linear", "GELU", "Linear", "GELU", "Linear"]


def test_equal_to_lightlys_heads_with_their_weights() -> None:
    from lightly.models.modules.heads import BYOLProjectionHead, SimCLRProjectionHead

    x = torch.rand(5, 8)
    for peer, mine in (
        (SimCLRProjectionHead(8, 16, 4), MLP(8, 16, 4, first_bias=False, last_bias=False, last_norm=True)),
        (SimCLRProjectionHead(8, 16, 4, batch_norm=False), MLP(8, 16, 4, norm=False)),
        (BYOLProjectionHead(8, 16, 4), MLP(8, 16, 4, first_bias=False)),
    ):
        mine.load_state_dict({k.removeprefix("layers."): v for k, v in peer.state_dict().items()})
        torch.testing.assert_close(mine(x), peer(x))


@pytest.mark.parametrize("options", [{}, {"layers": 3, "last_norm": True, "last_affine": False, "first_bias": False}])
def test_saved_and_loaded(tmp_path: Path, options: dict[str, object]) -> None:
    assert load_projector(tmp_path) is None
    projector = MLP(8, 16, 4, **options)
    projector(torch.rand(9, 8))
    save_projector(projector.eval(), tmp_path)
    again = load_projector(tmp_path)
    x = torch.rand(3, 8)
    assert again is not None
    assert torch.equal(again(x), projector(x))
