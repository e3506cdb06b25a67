"""VICReg's three terms against slow versions, closed forms, their symmetries, lightly, and one process against several."""

import pytest
import torch
from lightly.loss import VICRegLoss
from torch import Tensor

from tests.methods import cases
from tests.training.test_world import ranks
from vesalius.methods.vicreg import Config, VICReg, covariance, variance, vicreg
from vesalius.training.world import World


def pair(n: int, dim: int, kind: torch.dtype = torch.float64) -> tuple[Tensor, Tensor]:
    """Two sets of rows with deviations from 0.3 to 1.5, so that the hinge opens for some dimensions only."""
    g = torch.Generator().manual_seed(0)
    scale = torch.linspace(0.3, 1.5, dim, dtype=torch.float64)
    first, second = (scale * torch.randn(n, dim, generator=g, dtype=torch.float64) + 1 for _ in range(2))
    return first.to(kind).requires_grad_(), (second + first.detach()).to(kind).requires_grad_()


def slow(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Equations 1 to 5 of the paper, entry by entry."""
    n, d = first.shape
    invariance = torch.stack([sum((a - b) ** 2 for a, b in zip(x, y)) / d for x, y in zip(first, second)])
    hinges, off = [], []
    for rows in (first, second):
        mean = sum(rows) / n
        cov = sum(torch.outer(row - mean, row - mean) for row in rows) / (n - 1)
        hinges.append(sum(torch.clamp(1 - torch.sqrt(cov[j, j] + 1e-4), min=0) for j in range(d)) / d)
        off.append(sum(cov[i, j] ** 2 for i in range(d) for j in range(d) if i != j) / d)
    return invariance, (hinges[0] + hinges[1]) / 2, off[0] + off[1]


def whole(terms: tuple[Tensor, Tensor, Tensor]) -> Tensor:
    return 25 * terms[0].mean() + 25 * terms[1] + terms[2]


@pytest.mark.parametrize(("n", "dim"), [(9, 4), (4, 9), (6, 6), (2, 3)])
def test_equals_the_slow_version(n: int, dim: int) -> None:
    rows = pair(n, dim)
    ours, theirs = vicreg(*rows), slow(*rows)
    for a, b in zip(ours, theirs):
        torch.testing.assert_close(a, b)
        for x, y in zip(torch.autograd.grad(a.sum(), rows, retain_graph=True), torch.autograd.grad(b.sum(), rows, retain_graph=True)):
            torch.testing.assert_close(x, y)


@pytest.mark.parametrize(("n", "dim"), [(64, 16), (16, 64)])
def test_equals_lightly(n: int, dim: int) -> None:
    rows = pair(n, dim, torch.float32)
    ours, theirs = whole(vicreg(*rows)), VICRegLoss()(*rows)
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)
    for a, b in zip(torch.autograd.grad(ours, rows), torch.autograd.grad(theirs, rows)):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-5)


def test_closed_forms() -> None:
    constant = torch.full((5, 3), 2.0, dtype=torch.float64)
    invariance, hinge, cov = vicreg(constant, constant + 3)
    torch.testing.assert_close(invariance, torch.full((5,), 9.0).double())
    torch.testing.assert_close((hinge, cov), (torch.tensor(0.99).double(), torch.tensor(0.0).double()))
    # 2^3 corners of a cube: deviation sqrt(8 / 7) > 1 and no covariance
    corners = torch.cartesian_prod(*[torch.tensor([-1.0, 1.0], dtype=torch.float64)] * 3)
    torch.testing.assert_close((variance(corners), covariance(corners)), (torch.tensor(0.0).double(), torch.tensor(0.0).double()))
    # d copies of one column of variance v: d (d - 1) covariances of v, over d
    column = torch.tensor([0.0, 1.0, 3.0, 4.0], dtype=torch.float64)
    torch.testing.assert_close(covariance(column[:, None].expand(4, 6)), 5 * column.var() ** 2)


def test_symmetries() -> None:
    first, second = pair(8, 5)
    base = vicreg(first, second)
    torch.testing.assert_close(vicreg(second, first), base)
    torch.testing.assert_close(vicreg(first + 7, second + 7), base)
    torch.testing.assert_close(vicreg(-first[:, [4, 0, 3, 1, 2]], -second[:, [4, 0, 3, 1, 2]]), base)
    order = torch.tensor([3, 1, 0, 2, 7, 6, 5, 4])
    torch.testing.assert_close(vicreg(first[order], second[order]), (base[0][order], base[1], base[2]))
    torch.testing.assert_close(covariance(2 * first), 16 * covariance(first))


def test_gradcheck_and_a_finite_gradient_where_nothing_varies() -> None:
    rows = pair(4, 3)
    assert torch.autograd.gradcheck(lambda a, b: whole(vicreg(a, b)), rows)
    same = torch.ones(4, 3, requires_grad=True)
    assert torch.autograd.grad(whole(vicreg(same, same)), same)[0].isfinite().all()


def test_autocast_changes_nothing() -> None:
    rows = pair(32, 64, torch.float32)
    plain = torch.autograd.grad(whole(vicreg(*rows)), rows)
    with torch.autocast("cpu", torch.bfloat16):
        loss = whole(vicreg(*rows))
    torch.testing.assert_close(torch.autograd.grad(loss, rows), plain)


@pytest.mark.parametrize("counts", [(5, 3), (4, 1, 3)])
def test_uneven_ranks_have_the_gradient_of_one(counts: tuple[int, ...]) -> None:
    rows = pair(8, 5)
    alone = torch.autograd.grad(whole(vicreg(*rows)), rows)

    def work(here: World) -> None:
        start = sum(counts[: here.rank])
        mine = [r.detach()[start : start + counts[here.rank]].clone().requires_grad_() for r in rows]
        per_sample, hinge, cov = vicreg(*mine)
        # what the loop does with each kind of part, and DDP's mean over ranks
        loss = (25 * per_sample.sum() * here.size / 8 + 25 * hinge + cov) / here.size
        for found, expected in zip(torch.autograd.grad(loss, mine), alone):
            torch.testing.assert_close(found, expected[start : start + counts[here.rank]])

    assert ranks(len(counts), work) == [0] * len(counts)


def test_the_papers_expander_and_weights() -> None:
    config = Config()
    assert (config.invariance, config.variance, config.covariance, config.hidden, config.dim) == (25, 25, 1, 8192, 8192)
    method = cases.build("vicreg")
    assert isinstance(method, VICReg)
    layers = [m for m in method.projector if isinstance(m, torch.nn.Linear)]
    assert [tuple(m.weight.shape) for m in layers] == [(32, method.encoder.card.dim), (32, 32), (16, 32)]
    assert [m.bias is not None for m in layers] == [True, True, False]
    assert not method.independent, "its statistics are those of the whole batch"
