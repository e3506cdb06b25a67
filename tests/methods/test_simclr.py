"""NT-Xent against a slow version, closed forms, its symmetries and lightly; values and gradients."""

import math

import pytest
import torch
from lightly.loss import NTXentLoss
from torch.nn import functional as F

from tests.methods import cases
from vesalius.encoders import build_encoder
from vesalius.methods.simclr import Config, SimCLR, nt_xent


def slow(first: torch.Tensor, second: torch.Tensor, temperature: float) -> torch.Tensor:
    """Equation 1 of the paper, sample by sample."""
    z = [F.normalize(v, dim=0) for v in (*first, *second)]
    n = len(first)
    terms = []
    for i in range(2 * n):
        partner = (i + n) % (2 * n)
        top = torch.exp(torch.dot(z[i], z[partner]) / temperature)
        bottom = sum(torch.exp(torch.dot(z[i], z[k]) / temperature) for k in range(2 * n) if k != i)
        terms.append(-torch.log(top / bottom))
    return torch.stack([(terms[i] + terms[i + n]) / 2 for i in range(n)])


def pair(n: int = 7, dim: int = 5) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    make = lambda: torch.randn(n, dim, generator=generator, dtype=torch.float64).requires_grad_()  # noqa: E731
    return make(), make()


@pytest.mark.parametrize("temperature", [0.05, 0.1, 0.5, 1.0])
def test_equals_the_slow_version(temperature: float) -> None:
    first, second = pair()
    ours, theirs = nt_xent(first, second, temperature), slow(first, second, temperature)
    torch.testing.assert_close(ours, theirs)
    for a, b in zip(torch.autograd.grad(ours.mean(), (first, second)), torch.autograd.grad(theirs.mean(), (first, second))):
        torch.testing.assert_close(a, b)


@pytest.mark.parametrize("temperature", [0.1, 0.5])
def test_equals_lightly(temperature: float) -> None:
    first, second = (t.detach().float().requires_grad_() for t in pair(16, 8))
    ours, theirs = nt_xent(first, second, temperature).mean(), NTXentLoss(temperature)(first, second)
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)
    for a, b in zip(torch.autograd.grad(ours, (first, second)), torch.autograd.grad(theirs, (first, second))):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-6)


def test_closed_forms() -> None:
    same = torch.ones(4, 3, dtype=torch.float64)
    # all vectors equal: every one of the 2n - 1 others is as likely as the partner
    torch.testing.assert_close(nt_xent(same, same, 0.3), torch.full((4,), math.log(7), dtype=torch.float64))
    axes = torch.eye(4, dtype=torch.float64)
    expected = -2.0 + math.log(math.exp(2.0) + 6)  # partner at cosine 1, six others at 0, T = 0.5
    torch.testing.assert_close(nt_xent(axes, axes, 0.5), torch.full((4,), expected, dtype=torch.float64))


def test_symmetries() -> None:
    first, second = pair()
    base = nt_xent(first, second, 0.2)
    torch.testing.assert_close(nt_xent(second, first, 0.2), base)
    torch.testing.assert_close(nt_xent(3 * first, 0.1 * second, 0.2), base)
    order = torch.tensor([3, 1, 0, 2, 6, 5, 4])
    torch.testing.assert_close(nt_xent(first[order], second[order], 0.2), base[order])
    rotation = torch.linalg.qr(torch.randn(5, 5, dtype=torch.float64))[0]
    torch.testing.assert_close(nt_xent(first @ rotation, second @ rotation, 0.2), base)


def test_gradcheck() -> None:
    first, second = pair(3, 4)
    assert torch.autograd.gradcheck(lambda a, b: nt_xent(a, b, 0.3), (first, second))


def test_autocast_changes_nothing() -> None:
    first, second = (t.detach().float().requires_grad_() for t in pair(32, 16))
    plain = torch.autograd.grad(nt_xent(first, second, 0.005).mean(), first)[0]
    with torch.autocast("cpu", torch.bfloat16):
        loss = nt_xent(first, second, 0.005).mean()
    cast = torch.autograd.grad(loss, first)[0]
    torch.testing.assert_close(cast, plain)


def test_a_norm_may_end_the_projector() -> None:
    """Then what the loss sees has mean 0 and spread 1 in every direction."""
    torch.manual_seed(0)
    encoder = build_encoder(**cases.RESNET, channels=1, size=(16, 16))
    method = SimCLR(encoder, Config(hidden=8, dim=4, last_norm=True)).train()
    z = method.projector(torch.randn(64, encoder.card.dim) + 3)
    assert z.mean(0).abs().max() < 1e-5
    torch.testing.assert_close(z.std(0, correction=0), torch.ones(4), atol=1e-2, rtol=0)
