"""The fused loss against autograd's own: values and gradients, rows that are part of all, and what it keeps."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from vesalius.training.contrast import contrast, contrast_all


def plain(rows: Tensor, every: Tensor, own: Tensor, partner: Tensor, temperature: float) -> Tensor:
    similarity = (rows / temperature) @ every.T
    return F.cross_entropy(similarity.scatter(1, own[:, None], -torch.inf), partner, reduction="none")


def inputs(rows: int, every: int) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    g = torch.Generator().manual_seed(1)
    z = [F.normalize(torch.randn(n, 6, generator=g, dtype=torch.float64), dim=1).requires_grad_() for n in (rows, every)]
    own = torch.randperm(every, generator=g)[:rows]
    return z[0], z[1], own, (own + 1) % every, torch.rand(rows, generator=g, dtype=torch.float64)


@pytest.mark.parametrize("temperature", [0.005, 0.2, 1.0])
@pytest.mark.parametrize(("rows", "every"), [(3, 3), (4, 10), (1, 2)])
def test_values_and_gradients_are_autograds(rows: int, every: int, temperature: float) -> None:
    a, b, own, partner, weights = inputs(rows, every)
    found = []
    for loss in (contrast, plain):
        value = loss(a, b, own, partner, temperature)
        found.append((value.detach(), *torch.autograd.grad((value * weights).sum(), (a, b))))
    for ours, theirs in zip(*found):
        torch.testing.assert_close(ours, theirs)


def test_one_tensor_in_both_roles() -> None:
    a, _, own, partner, weights = inputs(6, 6)
    ours, theirs = ((f(a, a, own, partner, 0.3) * weights).sum() for f in (contrast, plain))
    torch.testing.assert_close(torch.autograd.grad(ours, a)[0], torch.autograd.grad(theirs, a)[0])


@pytest.mark.parametrize("temperature", [0.001, 0.024, 0.0251, 0.2, 1.0])
@pytest.mark.parametrize("kind", [torch.float32, torch.float64])
def test_vectors_among_themselves(temperature: float, kind: torch.dtype) -> None:
    a, _, _, _, weights = inputs(8, 8)
    a = torch.cat([a.detach()[:4], -a.detach()[:2], a.detach()[:2]]).to(kind).requires_grad_()  # cosines of -1 and 1
    everyone, partner = torch.arange(8), torch.arange(8).roll(4)
    found = []
    for loss in (contrast_all(a, partner, temperature), plain(a, a, everyone, partner, temperature)):
        found.append((loss.detach(), torch.autograd.grad((loss * weights.to(kind)).sum(), a)[0]))
    for ours, theirs in zip(*found):
        assert ours.isfinite().all()
        torch.testing.assert_close(ours, theirs, rtol=2e-5 if kind == torch.float32 else 1e-7, atol=2e-5 / temperature if kind == torch.float32 else 1e-7)


def test_two_vectors_that_share_a_partner_add_up() -> None:
    a, b, own, _, weights = inputs(4, 9)
    partner = torch.full((4,), int(max(set(range(9)) - set(own.tolist()))))
    ours, theirs = ((f(a, b, own, partner, 0.3) * weights).sum() for f in (contrast, plain))
    torch.testing.assert_close(torch.autograd.grad(ours, b)[0], torch.autograd.grad(theirs, b)[0])


def test_a_backward_inside_autocast_stays_in_single_precision() -> None:
    a, b, own, partner, weights = (t.float() if t.is_floating_point() else t for t in inputs(4, 8))
    a, b = a.detach().requires_grad_(), b.detach().requires_grad_()
    want = torch.autograd.grad((contrast(a, b, own, partner, 0.05) * weights).sum(), a)[0]
    loss = (contrast(a, b, own, partner, 0.05) * weights).sum()
    with torch.autocast("cpu", torch.bfloat16):
        found = torch.autograd.grad(loss, a)[0]
    torch.testing.assert_close(found, want)
    loss = contrast_all(a, torch.arange(4).roll(2), 0.05).sum()
    want = torch.autograd.grad(loss, a, retain_graph=True)[0]
    with torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(torch.autograd.grad(loss, a)[0], want)
