from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from vesalius.measures import bootstrap, rank, spectra


def gaussian(rows: int, dim: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(rows, dim, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def power(rows: int, dim: int, alpha: float, seed: int = 0) -> torch.Tensor:
    return gaussian(rows, dim, seed) * torch.arange(1, dim + 1) ** (-alpha / 2)


@pytest.mark.parametrize(("rows", "dim"), [(200, 30), (25, 60)])
def test_values_are_those_of_the_plain_measures(rows, dim):
    x = power(rows, dim, 0.7) + 0.3
    found, plain = spectra.of_vectors(x), rank.spread(x)
    assert found["rankme"].value == pytest.approx(plain.rankme, rel=1e-6)
    assert found["effective_rank"].value == pytest.approx(plain.effective_rank, rel=1e-6)
    assert found["alpha_req"].value == pytest.approx(plain.alpha, rel=1e-6)
    values = torch.linalg.svdvals(x - x.mean(0)).square()
    assert found["participation_ratio"].value == pytest.approx(float(values.sum() ** 2 / values.square().sum()), rel=1e-9)
    assert found["stable_rank"].value == pytest.approx(float(values.sum() / values[0]), rel=1e-9)
    assert all(abs(float(one.influence.mean())) < 1e-8 * max(1, float(one.influence.abs().max())) for one in found.values())


@pytest.mark.parametrize("r", [3, 20])
def test_known_ranks_and_slopes_are_recovered(r):
    x = gaussian(4000, r) @ torch.linalg.qr(gaussian(48, r, 1))[0].T
    found = spectra.of_vectors(x)
    for name in ("rankme", "effective_rank"):
        assert found[name].value == pytest.approx(r, rel=0.01)
    assert found["participation_ratio"].value == pytest.approx(r, rel=0.02)
    assert spectra.of_vectors(power(20_000, 110, 1.0 + r / 20))["alpha_req"].value == pytest.approx(1.0 + r / 20, abs=0.05)


def drawn_again(x, statistic, times=60):
    generator = np.random.default_rng(0)
    return np.std([statistic(x[generator.integers(0, len(x), len(x))]) for _ in range(times)])


def test_intervals_are_as_wide_as_a_bootstraps_that_decomposes_each_time():
    x = power(400, 10, 0.8)
    weights = next(bootstrap.weights(np.arange(400), 1000, 0))
    for name, one in spectra.of_vectors(x).items():
        direct = drawn_again(x, lambda rows, name=name: spectra.of_vectors(rows)[name].value)
        assert float(one.replicates(weights).std()) == pytest.approx(direct, rel=0.35), name


def views(images: int, count: int, dim: int, r: int) -> torch.Tensor:
    means = 4 * gaussian(images, r) @ torch.linalg.qr(gaussian(dim, r, 1))[0].T
    return means[:, None] + gaussian(images * count, dim, 2).view(images, count, dim)


@pytest.mark.parametrize(("images", "dim"), [(300, 16), (24, 40)])
def test_lidar_is_the_plain_one_and_its_interval_a_bootstraps(images, dim):
    x = views(images, 5, dim, 4)
    found = spectra.lidar(x)
    assert found.value == pytest.approx(rank.lidar(x), rel=1e-9)
    if images > dim:
        weights = next(bootstrap.weights(np.arange(images), 1000, 0))
        assert float(found.replicates(weights).std()) == pytest.approx(drawn_again(x, rank.lidar), rel=0.35)


@pytest.mark.parametrize("r", [2, 8])
def test_lidar_counts_the_informative_directions(r):
    x = views(400, 4, 20, r)
    noise = x - x.mean(1, keepdim=True)  # without it in the means
    means = gaussian(400, r, 5) @ torch.linalg.qr(gaussian(20, r, 1))[0].T
    assert spectra.lidar(means[:, None] + noise).value == pytest.approx(r, rel=0.03)


def test_lidar_of_one_point_is_zero():
    assert spectra.lidar(torch.ones(5, 3, 4)).value == 0


def test_alignment_and_uniformity_are_their_definitions():
    x = torch.nn.functional.normalize(views(30, 3, 6, 2), dim=-1)
    pairs = [float((x[i, a] - x[i, b]).square().sum()) for i in range(30) for a in range(3) for b in range(3) if a != b]
    assert spectra.alignment(x).value == pytest.approx(np.mean(pairs))
    flat = x[:, 0]
    near = [math.exp(-2 * float((flat[i] - flat[j]).square().sum())) for i in range(30) for j in range(30) if i != j]
    assert spectra.uniformity(flat).value == pytest.approx(math.log(np.mean(near)))


def test_one_point_has_no_spread():
    found = spectra.of_vectors(torch.ones(40, 5))
    assert found["effective_rank"].value == 0
    assert math.isnan(found["alpha_req"].value)
    assert found["rankme"].value == pytest.approx(1, abs=1e-3)
