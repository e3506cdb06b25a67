"""lightly's ResNet behind a batch-norm, numerically lightly's own; the document's 139 tensors; features and embedding."""

from __future__ import annotations

import pytest
import torch
from lightly.models import ResNetGenerator, batchnorm
from lightly.models.modules import SimCLRProjectionHead
from torch import nn

from tests.encoders.layouts.files_of_others import lived
from vesalius.encoders import build_encoder, load_encoder, save_encoder
from vesalius.encoders.depth import layer_of
from vesalius.encoders.lightly_resnet import NAMES, ours, theirs
from vesalius.errors import UserError
from vesalius.methods.simclr import Config, SimCLR
from vesalius.training.method import Progress
from vesalius.views.batch import Batch

ROLES = ("norm", "body.conv1", "body.bn1", "body.layer1", "body.layer2", "body.layer3", "body.layer4", "last")
"""What stands at each place of the document's sequence."""


def backbone(name: str = "resnet-18", width: float = 1, num_ftrs: int = 32) -> nn.Sequential:
    """The document's."""
    resnet = ResNetGenerator(name=name, width=width)
    last = list(resnet.children())[-1].in_features
    return nn.Sequential(batchnorm.get_norm_layer(3, 0), *list(resnet.children())[:-1], nn.Conv2d(last, num_ftrs, 1), nn.AdaptiveAvgPool2d(1))


@pytest.mark.parametrize("name", NAMES)
def test_numbers_are_lightlys(name: str) -> None:
    peer = lived(backbone(theirs(name), 0.0625, 5))
    mine = build_encoder(name, width=0.0625, num_ftrs=5, size=(24, 24)).eval()
    given = {}
    for place, tensor in peer.state_dict().items():
        number, _, rest = place.partition(".")
        given[f"{ROLES[int(number)]}.{rest.replace('shortcut', 'downsample')}"] = tensor
    mine.network.load_state_dict(given)
    x = torch.rand(2, 3, 24, 24, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        found = mine(x)
        torch.testing.assert_close(found.pooled, peer[:7](x).mean((2, 3)), rtol=1e-5, atol=1e-5)
        torch.testing.assert_close(mine.embedding(found.pooled), peer(x).flatten(1), rtol=1e-5, atol=1e-5)
    assert (mine.card.dim, mine.embedding_dim) == (found.pooled.shape[1], 5)
    assert ours(theirs(name)) == name


def test_simclr_on_it_has_the_documents_tensors() -> None:
    encoder = build_encoder("lightly-resnet18")
    method = SimCLR(encoder, Config(temperature=0.5, hidden=32, dim=128, hidden_bias=False, last_norm=True))
    document = {k: tuple(v.shape) for k, v in [*backbone().state_dict().items(), *SimCLRProjectionHead(32, 32, 128).state_dict().items()]}
    assert len(document) == len(method.state_dict()) == 139
    assert sorted(map(str, document.values())) == sorted(str(tuple(v.shape)) for v in method.state_dict().values())
    assert (encoder.card.dim, encoder.embedding_dim) == (512, 32)


def test_every_tensor_of_it_learns() -> None:
    encoder = build_encoder("lightly-resnet9", width=0.0625, num_ftrs=6, size=(16, 16))
    method = SimCLR(encoder, Config(hidden=6, dim=4, hidden_bias=False, last_norm=True))
    views = torch.rand(2, 4, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    out = method(Batch({"global": views}, {}, torch.arange(4), {}), Progress(0, 10, 0, 1.0, 10))
    out.parts["nt_xent"].mean().backward()
    assert [name for name, p in method.named_parameters() if p.grad is None or not bool(p.grad.abs().sum() > 0)] in ([], ["encoder.network.last.bias"])


def test_its_blocks_are_layers() -> None:
    depths, count = layer_of(build_encoder("lightly-resnet18", width=0.0625, size=(16, 16)))
    assert depths["norm.weight"] == depths["body.conv1.weight"] == 0
    blocks = [depths[f"body.layer{stage}.{block}.conv1.weight"] for stage in (1, 2, 3, 4) for block in (0, 1)]
    assert blocks == list(range(1, 9))
    assert (depths["last.weight"], count) == (9, 10)


def test_saved_and_loaded(tmp_path) -> None:
    encoder = build_encoder("lightly-resnet9", width=0.0625, num_ftrs=6, size=(16, 16), seed=3).eval()
    save_encoder(encoder, tmp_path)
    again = load_encoder(tmp_path)
    x = torch.rand(2, 3, 16, 16)
    torch.testing.assert_close(again(x).pooled, encoder(x).pooled, rtol=0, atol=0)
    assert again.card.options == {"width": 0.0625, "num_ftrs": 6}


def test_what_it_cannot_be() -> None:
    with pytest.raises(UserError, match="resnet-9, resnet-18, resnet-34, resnet-50, resnet-101, resnet-152"):
        ours("resnet-20")
    with pytest.raises(UserError, match="takes images"):
        build_encoder("lightly-resnet18", size=(8, 8, 8))
    with pytest.raises(UserError, match="leaves no channel"):
        build_encoder("lightly-resnet18", width=0.001)


def test_any_other_network_ends_in_its_pooled_vector() -> None:
    encoder = build_encoder("resnet18", width=0.0625)
    pooled = torch.rand(2, encoder.card.dim)
    assert encoder.embedding(pooled) is pooled
    assert encoder.embedding_dim == encoder.card.dim
