"""Coefficients of few pairs against SciPy, their p-values against its exact permutations, and what of too few is not said."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from vesalius.measures.correlation import correlated
from vesalius.measures.families import holm

RNG = np.random.default_rng(3)


@pytest.mark.parametrize("n", [5, 8, 13])
def test_both_coefficients_are_scipys(n: int) -> None:
    x, y = RNG.standard_normal((2, n))
    found = correlated(x, y)
    assert found is not None
    pearson, spearman = stats.pearsonr(x, y), stats.spearmanr(x, y)
    assert (found.pearson, found.pearson_p, found.spearman) == pytest.approx((pearson.statistic, pearson.pvalue, spearman.statistic))
    assert (found.pearson_low, found.pearson_high) == pytest.approx(tuple(pearson.confidence_interval()))
    assert found.low is not None
    assert found.high is not None
    assert found.low <= found.spearman <= found.high
    assert found.n == n


def test_eight_pairs_are_permuted_in_every_way() -> None:
    x, y = RNG.standard_normal((2, 6))
    reference = stats.permutation_test((x,), lambda one: stats.spearmanr(one, y).statistic, permutation_type="pairings", n_resamples=np.inf)
    found = correlated(x, y)
    assert found is not None
    assert found.p == pytest.approx(reference.pvalue)
    ordered = correlated(np.arange(8.0), np.arange(8.0))
    assert ordered is not None
    assert ordered.p == pytest.approx(2 / 40320)
    tied = correlated(np.array([1.0, 1, 2, 2]), np.array([1.0, 1, 2, 2]))
    assert tied is not None
    assert tied.p == pytest.approx(8 / 24), "those that swap what is equal or both halves reach as much"


def test_of_many_pairs_permutations_are_drawn() -> None:
    x = np.arange(20.0)
    y = RNG.permutation(x) + 0.5 * x
    found = correlated(x, y)
    assert found is not None
    assert found.p == pytest.approx(stats.spearmanr(x, y).pvalue, abs=0.02)
    strong = correlated(x, x)
    assert strong is not None
    assert strong.p == pytest.approx(1 / 20_001)
    none = np.mean([one.p < 0.05 for _ in range(200) if (one := correlated(x[:10], RNG.permutation(x[:10]))) is not None])
    assert none < 0.12


def test_of_fewer_than_five_there_is_no_interval_and_of_two_nothing() -> None:
    few = correlated(np.array([1.0, 2, 3, 5]), np.array([2.0, 1, 4, 3]))
    assert few is not None
    assert (few.low, few.high, few.pearson_low, few.pearson_high) == (None, None, None, None)
    assert correlated(np.array([1.0, 2]), np.array([2.0, 1])) is None
    assert correlated(np.arange(4.0), np.ones(4)) is None


def test_pairs_in_perfect_order_have_no_drawn_interval() -> None:
    found = correlated(np.arange(6.0), np.arange(6.0) ** 2)
    assert found is not None
    assert found.spearman == pytest.approx(1)
    assert (found.low, found.high) == (None, None), "from 1 to 1 would say that six pairs are certain"
    assert found.pearson_low is not None
    assert found.p < 0.01


def test_fishers_interval_covers_what_it_says() -> None:
    hits = 0
    for _ in range(300):
        x, noise = RNG.standard_normal((2, 8))
        r = stats.pearsonr(x, 0.6 * x + 0.8 * noise).confidence_interval()
        hits += r.low <= 0.6 <= r.high
    assert 0.91 <= hits / 300 <= 0.99


def test_a_family_is_corrected_step_by_step() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([]) == []
