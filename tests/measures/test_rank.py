from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from vesalius.measures import rank


def gaussian(rows: int, dim: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(rows, dim, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(("rows", "dim"), [(300, 20), (15, 40)])
def test_singular_values_equal_those_of_the_matrix(rows, dim):
    x = gaussian(rows, dim).double() + 3
    for ours, direct in zip(rank.singular_values(x), (torch.linalg.svdvals(x), torch.linalg.svdvals(x - x.mean(0)))):
        torch.testing.assert_close(ours[: len(direct)], direct, atol=1e-6, rtol=1e-9)


@pytest.mark.parametrize("r", [3, 10, 30])
def test_an_isotropic_cloud_of_r_dimensions_has_rank_r(r):
    x = gaussian(20_000, r) @ torch.linalg.qr(gaussian(64, r, 1))[0].T
    found = rank.spread(x)
    assert found.rankme == pytest.approx(r, rel=0.01)
    assert found.effective_rank == pytest.approx(r, rel=0.01)


def test_rankme_is_the_papers_formula():
    values = torch.tensor([5.0, 2.0, 1.0, 0.0], dtype=torch.float64)
    shares = [v / 8 + 1e-7 for v in (5, 2, 1, 0)]
    assert rank.rankme(values) == pytest.approx(math.exp(-sum(p * math.log(p) for p in shares)), rel=1e-12)


def test_rankme_is_not_centred_and_effective_rank_is():
    x = gaussian(5000, 8) + 100
    assert rank.spread(x).rankme < 2
    assert rank.spread(x).effective_rank == pytest.approx(8, rel=0.01)


@pytest.mark.parametrize("alpha", [0.5, 1.0, 2.0])
def test_alpha_is_recovered_from_a_power_law(alpha):
    eigenvalues = torch.arange(1, 129, dtype=torch.float64) ** -alpha
    assert rank.alpha_req(eigenvalues.sqrt()) == pytest.approx(alpha, abs=1e-9)
    assert rank.spread(gaussian(30_000, 128) * eigenvalues.sqrt().float()).alpha == pytest.approx(alpha, abs=0.05)


def test_alpha_of_too_few_values_is_undefined():
    assert math.isnan(rank.alpha_req(torch.ones(4)))


def test_std_of_an_isotropic_cloud_is_one_and_of_a_point_zero():
    assert rank.embedding_std(gaussian(20_000, 50)) == pytest.approx(1, abs=0.02)
    assert rank.embedding_std(torch.ones(10, 50)) == pytest.approx(0, abs=1e-6)


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 999), scale=st.floats(0.01, 100))
def test_ranks_do_not_change_under_rotation_scale_and_order(seed, scale):
    x = gaussian(60, 6, seed).double() * torch.arange(1, 7)
    turn = torch.linalg.qr(gaussian(6, 6, seed + 1).double())[0]
    moved = (scale * x @ turn)[torch.randperm(60, generator=torch.Generator().manual_seed(seed))]
    a, b = rank.spread(x), rank.spread(moved)
    assert b.rankme == pytest.approx(a.rankme, rel=1e-6)
    assert b.effective_rank == pytest.approx(a.effective_rank, rel=1e-6)
    assert 1 <= a.effective_rank <= 6


@pytest.mark.parametrize(
    ("vectors", "verdict"),
    [
        (gaussian(500, 64), "spread"),
        (torch.ones(500, 64) + 1e-4 * gaussian(500, 64), "collapsed"),
        (torch.zeros(500, 64), "collapsed"),
        (gaussian(500, 1) @ gaussian(1, 64, 1), "collapsed"),
        (gaussian(500, 4) @ gaussian(4, 400, 1), "low rank"),
        (torch.full((500, 8), torch.nan), "collapsed"),
        (gaussian(1, 8), "collapsed"),
    ],
)
def test_verdicts(vectors, verdict):
    found = rank.spread(vectors)
    assert found.verdict == verdict
    assert found.reason.endswith(".")


def slow_lidar(views: torch.Tensor, delta: float) -> float:
    """The paper's definition, with the roots of the matrices, term by term."""
    n, q, d = views.shape
    mean = views.mean((0, 1))
    between, within = torch.zeros(d, d).double(), delta * torch.eye(d).double()
    for image in views:
        own = image.mean(0)
        between += torch.outer(own - mean, own - mean) / (n - 1)
        for view in image:
            within += torch.outer(view - own, view - own) / (n * (q - 1))
    values, vectors = torch.linalg.eigh(within)
    root = vectors @ torch.diag(values.rsqrt()) @ vectors.T
    shares = torch.linalg.eigvalsh(root @ between @ root).clamp(min=0)
    shares = shares / shares.sum() + 1e-12
    return math.exp(-float((shares * shares.log()).sum()))


@pytest.mark.parametrize(("images", "dim"), [(40, 6), (7, 20)])
def test_lidar_equals_the_slow_version(images, dim):
    views = gaussian(images, dim).double()[:, None] + 0.5 * gaussian(images * 4, dim, 1).double().view(images, 4, dim)
    assert rank.lidar(views) == pytest.approx(slow_lidar(views, 1e-4), rel=1e-6)


def informative(r: int, dim: int, within: torch.Tensor, between: float = 3.0) -> torch.Tensor:
    """Images at plus and minus each of ``r`` axes, with views at plus and minus every axis times ``within``."""
    axes = torch.eye(dim).double()
    means = between * torch.cat([axes[:r], -axes[:r]])
    noise = axes * within
    return means[:, None] + torch.cat([noise, -noise])


@pytest.mark.parametrize("r", [1, 4, 9])
def test_lidar_counts_the_directions_that_tell_images_apart(r):
    same = torch.full((12, 1), 0.5).double()
    assert rank.lidar(informative(r, 12, same)) == pytest.approx(r, rel=1e-6)
    # what differs from view to view and not from image to image is no information, however far it spreads
    loud = same.clone()
    loud[r:] = 2000.0
    views = informative(r, 12, loud)
    assert rank.lidar(views) == pytest.approx(r, rel=1e-6)
    assert rank.spread(views.flatten(0, 1)).effective_rank == pytest.approx(12 - r, rel=0.05)


def test_lidar_of_two_unlike_directions_is_the_closed_form():
    within = torch.full((6, 1), 1.0).double()
    within[0] = 0.5  # its share of the LDA matrix is four times the other's, but for delta
    expected = math.exp(-(0.8 * math.log(0.8) + 0.2 * math.log(0.2)))
    assert rank.lidar(informative(2, 6, within), delta=1e-12) == pytest.approx(expected, rel=1e-9)


def test_lidar_is_the_same_in_any_linear_coordinates():
    views = informative(4, 8, torch.linspace(0.2, 1, 8).double()[:, None]) + 0.1 * gaussian(8 * 16, 8).double().view(8, 16, 8)
    turned = views @ (gaussian(8, 8, 2).double() + 4 * torch.eye(8).double()) + 7
    assert rank.lidar(turned, delta=1e-12) == pytest.approx(rank.lidar(views, delta=1e-12), rel=1e-6)


def test_lidar_of_nothing():
    assert rank.lidar(torch.ones(5, 3, 4)) == 0
    for views in (torch.ones(1, 3, 4), torch.ones(5, 1, 4), torch.full((5, 3, 4), torch.nan)):
        assert math.isnan(rank.lidar(views))
