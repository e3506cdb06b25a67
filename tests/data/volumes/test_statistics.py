"""Statistics of the foreground, and intensity rules folded into scale and offset."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vesalius.data.plan import Intensity
from vesalius.data.volumes.quantising import coded
from vesalius.data.volumes.statistics import QUANTILES, folded, statistics


def _case(n: int, seed: int, kind: Any = np.int16) -> Any:
    rng = np.random.default_rng(seed)
    values = rng.normal(40, 300, (3, 5, n)).astype(kind)
    mask = rng.random(values.shape) < 0.4
    mask[0, 0, 0] = True
    return values, mask


@settings(max_examples=40)
@given(st.integers(1, 40), st.integers(0, 5), st.sampled_from([np.int16, np.float32]))
def test_as_numpy_counts(n: int, seed: int, kind: Any) -> None:
    values, mask = _case(n, seed, kind)
    made = coded(values)
    known = statistics(made, mask)
    inside = made.codes[mask] * made.scale + made.offset
    assert known.voxels == mask.sum()
    assert known.mean == pytest.approx(inside.mean())
    assert known.std == pytest.approx(inside.std(), abs=1e-9)
    assert np.allclose(known.quantiles, np.percentile(inside, QUANTILES))
    assert known.percentile(0.5) == pytest.approx(np.percentile(inside, 0.5))
    assert known.percentile(99.5) == pytest.approx(np.percentile(inside, 99.5))


@pytest.mark.parametrize("kind", [np.int16, np.float32])
def test_rules(kind: Any) -> None:
    values, mask = _case(50, 0, kind)
    made = coded(values)
    known = statistics(made, mask)
    inside = values[mask].astype(np.float64)

    def seen(rule: Intensity) -> Any:
        scale, offset = folded(rule, known, made.scale, made.offset)
        return made.codes * scale + offset

    close: Any = {"atol": 1e-4 * np.ptp(inside)}
    assert np.allclose(seen(Intensity(rule="none")), values, **close)
    assert np.allclose(seen(Intensity(rule="window", low=-57, high=164)), (values + 57.0) / 221, atol=1e-4)
    low, high = np.percentile(inside, [2, 97.25])
    between = seen(Intensity(rule="percentiles", low=2, high=97.25))
    assert np.allclose(between, (values - low) / (high - low), atol=2e-3)
    z = seen(Intensity(rule="zscore"))
    assert z[mask].mean() == pytest.approx(0, abs=1e-6)
    assert z[mask].std() == pytest.approx(1)


@pytest.mark.parametrize("rule", ["percentiles", "zscore"])
def test_one_value_is_zero_not_nan(rule: Any) -> None:
    made = coded(np.full((2, 3, 4), 12.5, np.float32))
    known = statistics(made, np.ones((2, 3, 4), bool))
    assert folded(Intensity(rule=rule), known, made.scale, made.offset) == (0.0, 0.0)
