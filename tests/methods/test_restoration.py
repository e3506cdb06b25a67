"""Restoration: its terms against a slow version, MONAI's losses and network, closed forms and symmetries; memory; 3D."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils._python_dispatch import TorchDispatchMode

from tests.methods import cases
from vesalius.encoders import build_encoder
from vesalius.encoders.encoder import Card, Encoder
from vesalius.errors import UserError
from vesalius.methods.restoration import Config, Decoder, build, restored, weighted
from vesalius.methods.simclr import nt_xent
from vesalius.training.method import Progress
from vesalius.views.batch import Batch

NOW = Progress(0, 10, 0, 1.0, 10)


def images(*shape: int) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(shape[0]), dtype=torch.float64)


class Cells(nn.Module):
    """A network of volumes: the mean of each cell, in other numbers."""

    def __init__(self, side: int, dim: int) -> None:
        super().__init__()
        self.cut = nn.Conv3d(1, dim, side, side)

    def forward(self, x: Tensor) -> Tensor:
        """A map."""
        return self.cut(x)  # type: ignore[no-any-return]


def of_cells(size: tuple[int, ...] = (16, 16, 8), side: int = 4, dim: int = 6) -> Encoder:
    return Encoder(Cells(side, dim), Card(architecture="cells", channels=1, size=size, dim=dim))


def batch_of(seen: Tensor, clean: Tensor) -> Batch:
    return Batch({"clean": clean[None], "corrupted": seen}, {}, torch.arange(len(clean)))


def slow(first: Tensor, second: Tensor, clean: Tensor, temperature: float) -> Tensor:
    """The tutorial's loss, number by number."""
    n, l1 = len(first), 0.0
    for i in range(n):
        l1 = l1 + sum(abs(a - b) for a, b in zip(first[i].flatten(), clean[i].flatten())) / clean[0].numel() / n
    z = [F.normalize(v.flatten(), dim=0) for v in (*first, *second)]
    terms = []
    for i in range(2 * n):
        bottom = sum(torch.exp(torch.dot(z[i], z[k]) / temperature) for k in range(2 * n) if k != i)
        terms.append(-torch.log(torch.exp(torch.dot(z[i], z[(i + n) % (2 * n)]) / temperature) / bottom))
    against = torch.stack(terms).mean()
    return l1 + against * l1  # type: ignore[no-any-return]


def test_the_loss_equals_a_slow_version_in_value_and_gradient() -> None:
    first, second, clean = images(3, 1, 2, 2, 3).requires_grad_(), images(4, 1, 2, 2, 3)[:3].requires_grad_(), images(5, 1, 2, 2, 3)[:3]
    mean, times, _ = weighted(restored(first, clean), nt_xent(first.flatten(1), second.flatten(1), 0.1), 1.0)
    theirs = slow(first, second, clean, 0.1)
    torch.testing.assert_close(mean + times, theirs)
    for a, b in zip(torch.autograd.grad(mean + times, (first, second)), torch.autograd.grad(theirs, (first, second))):
        torch.testing.assert_close(a, b)  # through both factors: the weight is not detached


@pytest.mark.parametrize("temperature", [0.05, 0.5])
def test_the_contrastive_term_equals_monais_where_that_is_finite(temperature: float) -> None:
    from monai.losses import ContrastiveLoss

    first, second = (images(n, 1, 8, 8, 8)[:4].float().requires_grad_() for n in (4, 5))
    ours = nt_xent(first.flatten(1), second.flatten(1), temperature).mean()
    theirs = ContrastiveLoss(temperature)(first.flatten(1), second.flatten(1))
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)
    for a, b in zip(torch.autograd.grad(ours, (first, second)), torch.autograd.grad(theirs, (first, second))):
        torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-6)
    assert ContrastiveLoss(0.005)(first.flatten(1), second.flatten(1)).isnan()  # what the document prints cannot be run there


@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16])
def test_finite_at_the_temperature_that_the_document_prints(kind: torch.dtype) -> None:
    first, second = (images(n, 1, 8, 8, 8)[:4].to(kind).requires_grad_() for n in (4, 5))
    with torch.autocast("cpu", torch.bfloat16):
        loss = sum(weighted(restored(first, second.detach()), nt_xent(first.flatten(1), second.flatten(1), 0.005), 1.0)[:2])
    assert isinstance(loss, Tensor)
    assert loss.dtype == torch.float32
    gradients = torch.autograd.grad(loss, (first, second))
    assert loss.isfinite()
    assert all(g.isfinite().all() for g in gradients)


def test_closed_forms_and_symmetries() -> None:
    clean = images(4, 1, 2, 3, 4)
    torch.testing.assert_close(restored(clean + 0.25, clean), torch.full((4,), 0.25, dtype=torch.float64))
    one = torch.ones(4, 1, 2, 3, 4, dtype=torch.float64)
    mean, times, against = weighted(restored(one, clean), nt_xent(one.flatten(1), one.flatten(1), 0.05), 2.0)
    assert float(against) == pytest.approx(math.log(7))  # all reconstructions alike: 1 of the 2n - 1 others
    torch.testing.assert_close(mean + times, (1 - clean).mean() * (1 + 2 * math.log(7)))
    order = torch.tensor([2, 0, 3, 1])
    torch.testing.assert_close(restored(one[order] / 2, clean[order]), restored(one / 2, clean)[order])
    torch.testing.assert_close(restored(one.flip(3), clean.flip(3)), restored(one, clean))


def test_the_decoder_is_monais() -> None:
    """Names, shapes and answers of ViTAutoEnc's last two layers."""
    from monai.networks.nets import ViTAutoEnc

    torch.manual_seed(0)
    theirs = ViTAutoEnc(1, (32, 32, 32), (16, 16, 16), hidden_size=24, mlp_dim=48, num_layers=1, num_heads=2, deconv_chns=5)
    ours = Decoder(24, 5, 1, (16, 16, 16))
    state = {n: t for n, t in theirs.state_dict().items() if n.startswith("conv3d_transpose")}
    ours.load_state_dict(state)
    features = torch.rand(2, 24, 2, 2, 2)
    assert torch.equal(ours(features), theirs.conv3d_transpose_1(theirs.conv3d_transpose(features)))


def test_encoder_and_decoder_are_vitautoenc() -> None:
    """Every tensor of MONAI's network by its name, and the same reconstruction."""
    from monai.networks.nets import ViTAutoEnc

    options = {"hidden_size": 24, "mlp_dim": 48, "num_layers": 2, "num_heads": 2}
    encoder = build_encoder("monai:vit", channels=1, size=(32, 32, 32), **options)
    method = build(encoder, Config()).eval()
    theirs = ViTAutoEnc(1, (32, 32, 32), (16, 16, 16), **options).eval()
    state = {**encoder.network.state_dict(), **method.decoder.state_dict()}
    assert set(state) == set(theirs.state_dict())
    theirs.load_state_dict(state)
    x = torch.rand(2, 1, 32, 32, 32)
    torch.testing.assert_close(method.decoder(encoder(x).map), theirs(x)[0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("side", [1, 2, 3, 7, 8, 12, 16, 32])
def test_the_decoder_of_any_scale(side: int) -> None:
    assert Decoder(4, 3, 2, (side, 2))(torch.rand(1, 4, 2, 3)).shape == (1, 2, 2 * side, 6)


def test_which_views_are_rebuilt() -> None:
    encoder, clean = of_cells(), images(4, 1, 16, 16, 8).float()
    seen = torch.stack([clean * 0.5, clean * 0.2])
    alone = build(encoder, Config(contrastive=0))
    alike = build(encoder, Config(contrastive=0, reconstruct="both"))
    alike.load_state_dict(alone.state_dict())
    one = alone(batch_of(seen[:1], clean), NOW).parts
    first, second = (alone(batch_of(view[None], clean), NOW).parts["l1"] for view in seen)
    assert set(one) == {"l1"}
    assert one["l1"].shape == (4,)
    torch.testing.assert_close(alike(batch_of(seen, clean), NOW).parts["l1"], (first + second) / 2)
    assert alone.independent
    assert not build(encoder, Config()).independent
    with pytest.raises(UserError, match="count: 2"):
        build(encoder, Config())(batch_of(seen[:1], clean), NOW)


def test_the_whole_is_the_tutorials_on_volumes() -> None:
    encoder, clean = of_cells(), images(4, 1, 16, 16, 8).float()
    seen = torch.stack([clean * 0.5, 1 - clean])
    method = build(encoder, Config())
    out = method(batch_of(seen, clean), NOW)
    first, second = (method.decoder(encoder(view).map) for view in seen)
    theirs = slow(*(v.double() for v in (first, second, clean)), 0.05)
    torch.testing.assert_close(sum(out.parts.values()).double(), theirs, rtol=1e-4, atol=1e-5)  # type: ignore[union-attr]
    torch.testing.assert_close(out.parts["l1"] * out.scalars["contrastive"], out.parts["l1_contrastive"])


def test_a_map_that_is_no_whole_number_of_times_smaller_is_refused() -> None:
    with pytest.raises(UserError, match="whole number of times smaller"):
        build(of_cells(size=(15, 15, 15), side=6), Config())


class Largest(TorchDispatchMode):
    """Notes the numbers in the largest tensor that is made."""

    most = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run ``func`` and look at what it made."""
        out = func(*args, **(kwargs or {}))
        self.most = max(self.most, *(t.numel() for t in (out if isinstance(out, tuple) else (out,)) if isinstance(t, Tensor)), 0)
        return out


def test_nothing_is_made_that_holds_all_pairs_times_all_voxels() -> None:
    first, second = (torch.rand(8, 16**3, requires_grad=True) for _ in range(2))
    with Largest() as seen:
        nt_xent(first, second, 0.05).mean().backward()
    assert seen.most == 16 * 16**3  # both views in one matrix; MONAI's broadcasting makes 16 times that


def test_it_is_built_in_two_dimensions_too() -> None:
    method = cases.build("restoration")
    assert method.decoder.conv3d_transpose.kernel_size == (2, 2)
    assert build_encoder(**cases.RESNET, channels=1, size=(16, 16)).card.dim == 64
