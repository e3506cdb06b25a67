"""LeJEPA's two terms against slow versions, closed forms, symmetries and lightly; values and gradients; over ranks."""

from __future__ import annotations

import cmath
import math
from statistics import NormalDist

import pytest
import torch
from lightly.loss.lejepa_loss import LeJEPALoss, SIGReg

from tests.methods import cases
from tests.training.test_world import ranks
from vesalius.methods.lejepa import KNOTS, T_MAX, directions_at, prediction, sigreg
from vesalius.training.gather import gather
from vesalius.training.method import Progress
from vesalius.training.world import World
from vesalius.views.batch import Batch


def embeddings(views: int = 4, rows: int = 6, dim: int = 5, kind: torch.dtype = torch.float64) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return (torch.randn(views, rows, dim, generator=generator, dtype=kind) * 0.7 + 0.3).requires_grad_()


def directions(dim: int = 5, slices: int = 7, step: int = 3) -> torch.Tensor:
    return directions_at(step, dim, slices).double()


def slow_sigreg(z: torch.Tensor, a: torch.Tensor) -> torch.Tensor:
    """The integral over the whole axis, term by term."""
    n, step = z.shape[1], T_MAX / (KNOTS - 1)
    total = torch.zeros((), dtype=z.dtype)
    for view in z:
        for direction in a.T:
            x = torch.stack([torch.dot(row, direction) for row in view])
            for k in range(-(KNOTS - 1), KNOTS):
                t = k * step
                empirical = torch.exp(1j * t * x).mean()
                square = (empirical - math.exp(-t * t / 2)).abs() ** 2
                total = total + square * math.exp(-t * t / 2) * step * (0.5 if abs(k) == KNOTS - 1 else 1.0)
    return n * total / (len(z) * a.shape[1])


def slow_prediction(z: torch.Tensor, count: int) -> torch.Tensor:
    out = []
    for i in range(z.shape[1]):
        mean = sum(z[v, i] for v in range(count)) / count
        out.append(sum(((z[v, i] - mean) ** 2).sum() for v in range(len(z))) / (len(z) * z.shape[2]))
    return torch.stack(out)


def equal_with_gradient(ours: torch.Tensor, theirs: torch.Tensor, z: torch.Tensor, **within: float) -> None:
    torch.testing.assert_close(ours, theirs, **within)
    mine, other = (torch.autograd.grad(loss, z, retain_graph=True)[0] for loss in (ours, theirs))
    torch.testing.assert_close(mine, other, **within)


def test_equal_the_slow_versions() -> None:
    z = embeddings()
    equal_with_gradient(sigreg(z, directions()), slow_sigreg(z, directions()), z)
    equal_with_gradient(prediction(z, z[:2]).mean(), slow_prediction(z, 2).mean(), z)
    torch.testing.assert_close(prediction(z, z[:2]), slow_prediction(z, 2))


@pytest.mark.parametrize(("rows", "dim", "slices"), [(16, 8, 32), (5, 3, 1)])
def test_equal_lightly(rows: int, dim: int, slices: int, monkeypatch: pytest.MonkeyPatch) -> None:
    z = embeddings(5, rows, dim, torch.float32)
    a = directions_at(0, dim, slices)
    monkeypatch.setattr(SIGReg, "_generate_unit_vectors", lambda *_: a)
    theirs = SIGReg(num_vectors=slices)
    equal_with_gradient(sigreg(z, a), theirs(z), z, rtol=1e-5, atol=1e-6)
    whole = LeJEPALoss(0.05, sigreg_num_vectors=slices)(global_proj=z[:2], local_proj=z[2:])
    equal_with_gradient(0.95 * prediction(z, z[:2]).mean() + 0.05 * sigreg(z, a), whole, z, rtol=1e-5, atol=1e-6)


def power(c: float) -> float:
    """The integral of exp(-c t^2 / 2) over [-3, 3]."""
    return math.sqrt(2 * math.pi / c) * math.erf(T_MAX * math.sqrt(c / 2))


def test_a_point_has_the_known_value() -> None:
    # at the origin phi_N = 1: N * integral of (1 - g)^2 g, g = exp(-t^2/2)
    expected = 50 * (power(1) - 2 * power(2) + power(3))
    found = sigreg(torch.zeros(2, 50, 5, dtype=torch.float64), directions())
    assert float(found) == pytest.approx(expected, rel=2e-3)
    # far away phi_N turns: the cross term is that of g^2 at the frequency of the distance, the squares stay
    z = torch.zeros(1, 50, 1, dtype=torch.float64)
    z[..., 0] = 1.3
    cross = sum(
        (0.5 if abs(k) == KNOTS - 1 else 1) * cmath.exp(1.3j * k * T_MAX / (KNOTS - 1)).real * math.exp(-((k * T_MAX / (KNOTS - 1)) ** 2))
        for k in range(-(KNOTS - 1), KNOTS)
    ) * T_MAX / (KNOTS - 1)  # fmt: skip
    assert float(sigreg(z, torch.ones(1, 1))) == pytest.approx(50 * (power(1) + power(3) - 2 * cross), rel=2e-3)


def test_a_perfect_gaussian_is_near_zero_and_any_other_width_is_not() -> None:
    normal, n = NormalDist(), 4000
    x = torch.tensor([normal.inv_cdf((i + 0.5) / n) for i in range(n)], dtype=torch.float64).view(1, n, 1)
    one = torch.ones(1, 1)
    assert float(sigreg(x, one)) < 1e-3
    for factor, shift in ((0.8, 0.0), (1.25, 0.0), (1.0, 0.2)):
        assert float(sigreg(factor * x + shift, one)) > 10


def test_drawn_gaussians_have_the_expected_value() -> None:
    # E |phi_N - g|^2 = (1 - g^2) / N, so the statistic's mean does not depend on N
    generator = torch.Generator().manual_seed(1)
    z = torch.randn(400, 32, 8, generator=generator)
    found = float(sigreg(z, directions_at(0, 8, 16)))
    assert found == pytest.approx(power(1) - power(3), rel=0.05)


def test_symmetries() -> None:
    z, a = embeddings().detach(), directions()
    rotation = torch.linalg.qr(torch.randn(5, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(2)))[0]
    base = sigreg(z, a)
    torch.testing.assert_close(sigreg(z @ rotation, rotation.T @ a), base)
    torch.testing.assert_close(sigreg(-z, a), base)
    torch.testing.assert_close(sigreg(z[:, [3, 1, 0, 2, 5, 4]], a), base)
    torch.testing.assert_close(sigreg(z[[2, 0, 1, 3]], a[:, [6, 1, 2, 3, 4, 5, 0]]), base)
    moved = z + torch.randn(1, 6, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    torch.testing.assert_close(prediction(moved @ rotation, (moved @ rotation)[:2]), prediction(z, z[:2]))
    torch.testing.assert_close(prediction(z[:1].expand(4, -1, -1), z[:1]), torch.zeros(6, dtype=torch.float64))


def test_directions_follow_from_the_step_alone() -> None:
    one, again, next_ = directions_at(5, 16, 64), directions_at(5, 16, 64), directions_at(6, 16, 64)
    assert torch.equal(one, again)
    assert not torch.equal(one, next_)
    torch.testing.assert_close(one.norm(dim=0), torch.ones(64))
    many = directions_at(0, 3, 20_000)
    torch.testing.assert_close(many @ many.T / 20_000, torch.eye(3) / 3, atol=0.01, rtol=0)  # no direction is preferred


def test_autocast_changes_nothing() -> None:
    z, a = embeddings(2, 32, 16, torch.float32), directions_at(0, 16, 8)
    plain = torch.autograd.grad(sigreg(z, a), z)[0]
    with torch.autocast("cpu", torch.bfloat16):
        loss = sigreg(z, a)
    torch.testing.assert_close(torch.autograd.grad(loss, z)[0], plain)


COUNTS = (3, 1, 2)


def test_ranks_with_uneven_rows_have_the_gradient_of_one() -> None:
    z, a = embeddings(), directions()
    loss = sigreg(z, a)
    (whole,) = torch.autograd.grad(loss, z)

    def work(here: World) -> None:
        start = sum(COUNTS[: here.rank])
        mine = z.detach()[:, start : start + COUNTS[here.rank]].clone().requires_grad_()
        shared = sigreg(mine, a)
        torch.testing.assert_close(shared, loss.detach())
        shared.backward()
        # DDP takes the mean of the ranks' gradients: each rank's own is the number of ranks times its share
        torch.testing.assert_close(mine.grad, here.size * whole[:, start : start + COUNTS[here.rank]])
        assert len(gather(mine.detach().transpose(0, 1))) == 6

    assert ranks(3, work) == [0, 0, 0]


def test_local_views_count_in_both_terms_and_may_be_absent() -> None:
    method = cases.build("lejepa").eval()
    generator = torch.Generator().manual_seed(0)
    views = {"global": torch.rand(2, 4, 1, 16, 16, generator=generator), "local": torch.rand(3, 4, 1, 8, 8, generator=generator)}
    at = Progress(2, 10, 0, 1.0, 10)
    ids = torch.arange(4)
    both, one = (method(Batch(v, {}, ids), at).parts for v in (views, {"global": views["global"]}))
    z = [torch.stack([method.project(method.encoder(x).pooled) for x in views[name]]) for name in ("global", "local")]
    every = torch.cat(z)
    torch.testing.assert_close(both["prediction"], 0.95 * prediction(every, z[0]))
    torch.testing.assert_close(both["sigreg"], 0.05 * sigreg(every, directions_at(2, 16, 32)))
    torch.testing.assert_close(one["prediction"], 0.95 * prediction(z[0], z[0]))
    assert both["prediction"].shape == (4,)
    assert both["sigreg"].shape == ()
