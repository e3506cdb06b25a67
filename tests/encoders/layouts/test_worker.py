"""Checkpoints as the Worker's document has them written, in every form they come in; what they lack is named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from lightly.models.modules import SimCLRProjectionHead
from torch import Tensor, nn

from tests.encoders.layouts.files_of_others import lived, under
from tests.encoders.test_lightly_resnet import backbone
from vesalius.encoders import build_encoder, load_encoder, save_encoder
from vesalius.encoders.foreign import read_weights
from vesalius.encoders.layouts.worker import out_dim, written
from vesalius.errors import UserError

Make = Callable[[nn.Module, nn.Module], dict[str, object]]


class SimCLR(nn.Module):
    """The document's."""

    def __init__(self, backbone: nn.Module, num_ftrs: int, out_dim: int) -> None:
        super().__init__()
        self.backbone = backbone
        self.projection_head = SimCLRProjectionHead(num_ftrs, num_ftrs, out_dim)


def model(name: str = "resnet-18", out_dim: int = 10, num_ftrs: int = 6, width: float = 0.125) -> SimCLR:
    return lived(SimCLR(backbone(name, width, num_ftrs), num_ftrs, out_dim))


FORMS: dict[str, Callable[[nn.Module], object]] = {
    "document": lambda made: {"state_dict": made.state_dict(prefix="model.")},
    "without_model": lambda made: {"state_dict": made.state_dict()},
    "plain": lambda made: made.state_dict(),
    "backbone": lambda made: made.backbone.state_dict(),
    "lightning": lambda made: {
        "state_dict": under("model.", made), "pytorch-lightning_version": "2.6.0", "epoch": 3, "hyper_parameters": {"lr": 1.0}, "optimizer_states": [],
    },
}  # fmt: skip


def images() -> Tensor:
    return torch.rand(2, 3, 24, 24, generator=torch.Generator().manual_seed(3))


@pytest.mark.parametrize("form", FORMS)
def test_a_form_is_read_with_equal_numbers(form: str, tmp_path: Path) -> None:
    made = model()
    torch.save(FORMS[form](made), tmp_path / "checkpoint.ckpt")
    encoder = load_encoder(tmp_path / "checkpoint.ckpt")
    assert encoder.card.architecture == "lightly-resnet18"
    assert encoder.card.options == {"num_ftrs": 6, "width": 0.125}
    assert encoder.card.size == (64, 64)
    assert not encoder.card.mean  # its batch-norm standardises
    assert (encoder.loaded.missing, encoder.loaded.heads == encoder.loaded.unexpected) == ((), True)
    assert out_dim(encoder.head) == (None if form == "backbone" else 10)
    assert "standardised" not in encoder.loaded.sentence()
    with torch.no_grad():
        found = encoder(images())
        torch.testing.assert_close(found.pooled, made.backbone[:7](images()).mean((2, 3)), rtol=1e-5, atol=1e-5)
        torch.testing.assert_close(encoder.embedding(found.pooled), made.backbone(images()).flatten(1), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", ["resnet-9", "resnet-34", "resnet-50", "resnet-101", "resnet-152"])
def test_its_network_is_told_by_its_tensors(name: str, tmp_path: Path) -> None:
    torch.save({"state_dict": model(name, width=0.0625).state_dict(prefix="model.")}, tmp_path / "checkpoint.ckpt")
    told = read_weights(tmp_path / "checkpoint.ckpt").architecture
    assert told is not None
    assert told.name == "lightly-" + name.replace("-", "")
    assert told.words == f"{told.name}, width 0.0625, num_ftrs 6, out_dim 10, 3 input channels"


def test_a_missing_tensor_is_named(tmp_path: Path) -> None:
    tensors = model().state_dict(prefix="model.")
    del tensors["model.backbone.7.bias"], tensors["model.backbone.4.1.bn2.weight"]
    torch.save({"state_dict": {**tensors, "model.backbone.3.0.conv7.weight": torch.zeros(2)}}, tmp_path / "checkpoint.ckpt")
    with pytest.raises(UserError, match=r"layer2\.1\.bn2\.weight, .*last\.bias.*conv7\.weight"):
        load_encoder(tmp_path / "checkpoint.ckpt")


def test_it_may_be_taken_for_a_bare_resnet(tmp_path: Path) -> None:
    made = model()
    torch.save({"state_dict": made.state_dict(prefix="model.")}, tmp_path / "checkpoint.ckpt")
    encoder = build_encoder("resnet18", weights=tmp_path / "checkpoint.ckpt", size=(24, 24)).eval()
    assert encoder.card.options == {"stem": "lightly", "width": 0.125}
    with torch.no_grad():
        torch.testing.assert_close(encoder(images()).pooled, made.backbone[:7](images()).mean((2, 3)), rtol=1e-4, atol=1e-4)


def test_code_that_a_file_names_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "mine_own.py").write_text("from torch import nn\ndef build(channels):\n    return nn.Conv2d(channels, 6, 3)\n")
    built = build_encoder(f"{elsewhere / 'mine_own.py'}:build", size=(16, 16))
    built.card = built.card.model_copy(update={"architecture": f"{elsewhere / 'mine_own.py'}:build"})
    monkeypatch.setattr("vesalius.encoders.own._used", {})
    torch.save(written(built.network.state_dict(), {}, built.card), tmp_path / "c.ckpt")
    with pytest.raises(UserError, match=r"mine_own\.py.*is not there"):
        load_encoder(tmp_path / "c.ckpt")
    assert load_encoder(tmp_path / "c.ckpt", code=elsewhere / "mine_own.py").card.dim == 6


def test_an_address_of_a_file(tmp_path: Path) -> None:
    torch.save({"state_dict": model().state_dict(prefix="model.")}, tmp_path / "my checkpoint.ckpt")
    assert load_encoder((tmp_path / "my checkpoint.ckpt").as_uri()).card.dim == 64
    save_encoder(build_encoder("resnet18", width=0.125), tmp_path / "ours")
    assert load_encoder((tmp_path / "ours" / "encoder.safetensors").as_uri()).card.architecture == "resnet18"
    with pytest.raises(UserError, match="There is no file behind file:///nowhere"):
        load_encoder("file:///nowhere/checkpoint.ckpt")
