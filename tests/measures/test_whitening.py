from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from vesalius.measures import invariances, whitening

RHO = 0.9


def deviations(dim: int, decay: float) -> torch.Tensor:
    return torch.arange(1, dim + 1, dtype=torch.float64) ** (-decay / 2)


def gaussian(rows: int, dim: int, seed: int, decay: float = 0.0) -> torch.Tensor:
    return torch.randn(rows, dim, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) * deviations(dim, decay)


def pairs(rows: int, dim: int, decay: float, rho: float = RHO) -> tuple[torch.Tensor, torch.Tensor]:
    """Two views whose coordinates all correlate by ``rho``, so that their whitened cosine is ``rho``."""
    x, noise = gaussian(rows, dim, 100, decay), gaussian(rows, dim, 101, decay)
    return x, rho * x + math.sqrt(1 - rho**2) * noise


@pytest.mark.parametrize("decay", [0.0, 1.0])
@pytest.mark.parametrize("samples", [40, 100, 180, 500, 1500])
@pytest.mark.parametrize("kind", ["truncated", "ledoit-wolf"])
def test_known_correlations_are_recovered_from_fewer_and_from_more_images_than_dimensions(kind, samples, decay):
    dim = 128
    one, other = pairs(1500, dim, decay)
    white = whitening.fit(gaussian(samples, dim, 5, decay).float(), kind)
    if kind == "truncated":
        assert white.rank == min(dim, samples // 5)
    a, b = white(one.float()), white(other.float())
    # of r directions the mean cosine is that much below the correlation, for Gaussians: Fisher, 1915
    expected = RHO * (1 - (1 - RHO**2) / (2 * white.rank))
    assert float(invariances.cosine(a, b).mean()) == pytest.approx(expected, abs=0.006)
    assert float(invariances.distance(a, b).mean() / invariances.length(a)) == pytest.approx(math.sqrt(2 * (1 - RHO)), rel=0.07)


def test_where_weak_directions_correlate_less_shrinkage_is_nearer_to_the_truth_than_the_leading_directions():
    dim = 256
    rho = torch.where(torch.arange(dim) < 25, 0.95, 0.5).double()
    one, noise = gaussian(1500, dim, 100, 1.0), gaussian(1500, dim, 101, 1.0)
    other, truth = rho * one + (1 - rho**2).sqrt() * noise, float(rho.mean())
    off = {}
    for kind in ("truncated", "ledoit-wolf"):
        for samples in (250, 3000):
            white = whitening.fit(gaussian(samples, dim, 5, 1.0), kind)
            off[kind, samples] = abs(float(invariances.cosine(white(one), white(other)).mean()) - truth)
    assert off["ledoit-wolf", 250] < 0.06 < 0.15 < off["truncated", 250]
    assert max(off["ledoit-wolf", 3000], off["truncated", 3000]) < 0.01


def test_the_bound_of_the_issue_holds_in_1024_dimensions():
    one, other = pairs(600, 1024, 1.0)
    for samples in (138, 700):
        white = whitening.fit(gaussian(samples, 1024, 5, 1.0).float())
        assert float(invariances.cosine(white(one), white(other)).mean()) == pytest.approx(RHO, abs=0.01)


def test_the_original_collapses_where_images_are_fewer_than_dimensions_and_probed_in_the_sample():
    sample = gaussian(138, 1024, 7).float()
    moved = RHO * sample + math.sqrt(1 - RHO**2) * gaussian(138, 1024, 8).float()
    white = whitening.original(*whitening.ridged(sample))
    assert white.weights.dtype == torch.float32
    assert float(invariances.cosine(white(sample), white(moved)).mean()) <= 0.03
    held_out = whitening.fit(gaussian(138, 1024, 9).float())
    assert float(invariances.cosine(held_out(sample), held_out(moved)).mean()) == pytest.approx(RHO, abs=0.015)


def test_the_original_is_right_where_images_are_many():
    sample = gaussian(6000, 32, 1, 1.0).float()
    mean, covariance = whitening.ridged(sample)
    np.testing.assert_allclose(covariance.numpy(), np.cov(sample.numpy().T), rtol=1e-4, atol=1e-6)
    white = whitening.original(mean, covariance)
    precision = np.linalg.inv(covariance.double().numpy() + 1e-6 * np.eye(32))
    a, b = sample[0], sample[1]
    by_scipy = math.sqrt(float((a - b).double().numpy() @ precision @ (a - b).double().numpy()))
    assert float(invariances.distance(white(a), white(b))) == pytest.approx(by_scipy, rel=1e-4)


@pytest.mark.parametrize(("rows", "dim"), [(30, 80), (200, 20), (12, 12)])
def test_shrinkage_is_scikit_learns(rows, dim):
    from sklearn.covariance import LedoitWolf

    x = gaussian(rows, dim, 3, 1.5) + 4
    ours, theirs = whitening.fit(x, "ledoit-wolf"), LedoitWolf().fit(x.numpy())
    assert ours.shrinkage == pytest.approx(theirs.shrinkage_, rel=1e-9)
    np.testing.assert_allclose((ours.factor @ ours.factor.T).numpy(), theirs.covariance_, rtol=1e-8, atol=1e-12)
    np.testing.assert_allclose(ours.mean.numpy(), theirs.location_)


@pytest.mark.parametrize(("rows", "dim"), [(60, 80), (400, 20)])
def test_a_truncated_covariance_is_the_sample_covariance_in_its_leading_directions(rows, dim):
    x = gaussian(rows, dim, 3, 1.0)
    white = whitening.fit(x)
    values, axes = np.linalg.eigh(np.cov(x.numpy().T))
    leading, along = values[::-1][: white.rank], axes[:, ::-1][:, : white.rank]
    np.testing.assert_allclose((white.factor @ white.factor.T).numpy(), along * leading @ along.T, atol=1e-9)
    assert white.condition == pytest.approx(leading[0] / leading[-1])
    np.testing.assert_allclose(torch.cov(white(x).T).numpy(), np.eye(white.rank), atol=1e-8)
    assert whitening.fit(x, rank=3).rank == 3


def test_features_that_are_always_zero_have_no_direction_and_too_little_is_refused():
    x = gaussian(200, 12, 3)
    x[:, 4:] = 0
    assert whitening.fit(x).rank == 4
    assert torch.isfinite(whitening.fit(x)(gaussian(9, 12, 4))).all()
    with pytest.raises(ValueError, match="the same"):
        whitening.fit(torch.ones(50, 3))
    with pytest.raises(ValueError, match="too few"):
        whitening.fit(x[:9])
