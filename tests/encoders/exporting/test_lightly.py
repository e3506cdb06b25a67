"""Ours in lightly's hands by the document's loader, theirs in ours: the same numbers."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path

import lightly
import lightly.models
import pytest
import torch
from torch import Tensor, nn

from tests.encoders.exporting.written import MEAN, STD, checked, trained
from tests.encoders.layouts.files_of_others import lived
from vesalius.encoders import Encoder, build_encoder, load_encoder, save_encoder
from vesalius.encoders.projector import MLP, save_projector
from vesalius.errors import UserError
from vesalius.export import export

SMALL = {"width": 0.125, "num_ftrs": 8, "size": (24, 24)}


def load_checkpoint(checkpoint_path: Path, model_name: str = "resnet-18", model_width: float = 1, map_location: str = "cpu") -> nn.Module:
    """The document's."""
    checkpoint = torch.load(checkpoint_path, map_location=map_location)

    state_dict = OrderedDict()
    for key, value in checkpoint["state_dict"].items():
        if ("projection_head" in key) or ("backbone.7" in key):
            # drop layers used for projection head
            continue
        state_dict[key.replace("model.backbone.", "")] = value

    resnet = lightly.models.ResNetGenerator(name=model_name, width=model_width)
    model = torch.nn.Sequential(
        lightly.models.batchnorm.get_norm_layer(3, 0),
        *list(resnet.children())[:-1],
        torch.nn.AdaptiveAvgPool2d(1),
        torch.nn.Flatten(1),
    )
    model.load_state_dict(state_dict)
    return model


def ours(folder: Path, name: str = "lightly-resnet18", **options: object) -> Encoder:
    """One of ours with its projector, in ``folder``."""
    encoder = trained(build_encoder(name, **{**SMALL, **options})).eval()
    save_encoder(encoder, folder)
    projector = lived(MLP(8, 8, 4, first_bias=False, last_bias=False, last_norm=True))
    save_projector(projector, folder)
    return encoder


def images(count: int = 3) -> Tensor:
    return torch.rand(count, 3, 24, 24, generator=torch.Generator().manual_seed(2))


@pytest.mark.parametrize("name", ["lightly-resnet18", "lightly-resnet50"])
def test_the_documents_loader_reads_ours(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = ours(tmp_path / "run", name)
    result = export(tmp_path / "run", to="lightly", out=tmp_path / "out", quiet=True)
    model = load_checkpoint(result.file, name.removeprefix("lightly-").replace("t", "t-"), 0.125).eval()
    with torch.no_grad():
        torch.testing.assert_close(model(images()), encoder(images()).pooled, rtol=1e-5, atol=1e-5)
    names = torch.load(result.file)["state_dict"]
    head = lightly.models.modules.SimCLRProjectionHead(8, 8, 4)
    head.load_state_dict({k.removeprefix("model.projection_head."): v for k, v in names.items() if "projection_head" in k})
    assert all(k.startswith(("model.backbone.", "model.projection_head.")) for k in names)
    assert result.facts["checked"]["outputs"] == ["pooled", "map", "tokens"]


def test_the_readmes_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checked(trained(build_encoder("lightly-resnet9", **SMALL)), "lightly", tmp_path, monkeypatch)


def test_what_was_written_comes_back_whole(tmp_path: Path) -> None:
    encoder = ours(tmp_path / "run", mean=MEAN, std=STD, size=(48, 32))
    again = load_encoder(export(tmp_path / "run", to="lightly", out=tmp_path / "out", quiet=True).file)
    assert again.card.model_dump_json(exclude={"weights"}) == encoder.card.model_dump_json(exclude={"weights"})
    with torch.no_grad():
        torch.testing.assert_close(again(images()).pooled, encoder(images()).pooled, rtol=0, atol=0)
        torch.testing.assert_close(again.embedding(again(images()).pooled), encoder.embedding(encoder(images()).pooled), rtol=0, atol=0)
    assert {name: tuple(tensor.shape) for name, tensor in again.head.items() if tensor.ndim == 2} == {"0.weight": (8, 8), "3.weight": (4, 8)}


def test_another_network_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"one kind of network, lightly-resnet9 to lightly-resnet152 here.*What works for it: --to"):
        export(build_encoder("resnet18", width=0.125), to="lightly", out=tmp_path / "out", quiet=True)
    with pytest.raises(UserError, match="take 3 channels, and it takes 1"):
        export(build_encoder("lightly-resnet9", width=0.125, channels=1), to="lightly", out=tmp_path / "out", quiet=True)
    assert not (tmp_path / "out").exists()
