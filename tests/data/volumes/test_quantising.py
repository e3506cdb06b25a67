"""Values as 16-bit integers: whole numbers exactly, others within the error that is told."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from vesalius.data.volumes import quantising
from vesalius.data.volumes.quantising import coded

SHAPES = arrays.array_shapes(min_dims=3, max_dims=3, max_side=6)


@given(
    st.sampled_from([np.uint8, np.int16, np.uint16]).flatmap(lambda kind: arrays.arrays(kind, SHAPES)), st.booleans()
)
def test_whole_numbers_are_kept(values: Any, as_float: bool) -> None:
    made = coded(values.astype(np.float32) if as_float else values)
    span = int(values.max()) - int(values.min())
    back = made.codes.astype(np.float64) * made.scale + made.offset
    if span < 65535:
        assert (made.scale, made.error) == (1.0, 0.0)
        assert np.array_equal(back, values)
    assert np.abs(back - values).max() <= made.error + 1e-6


@given(arrays.arrays(np.float32, SHAPES, elements=st.floats(-(2.0**20), 2.0**20, width=32)))
def test_floats_are_within_the_error(values: Any) -> None:
    made = coded(values)
    back = made.codes.astype(np.float64) * made.scale + made.offset
    assert np.abs(back - values).max() <= made.error * (1 + 1e-9)
    assert made.error <= max(0.5, float(np.ptp(values.astype(np.float64))) / 65535 / 2 * (1 + 1e-9))


def test_units_of_ct_stay_whole_when_they_are_not() -> None:
    values = np.random.default_rng(0).uniform(-1024, 3071, (5, 6, 7)).astype(np.float32)
    made = coded(values, whole=True)
    assert made.scale == 1.0
    assert made.offset == np.floor(values.min())
    assert np.array_equal(made.codes + made.offset, np.rint(values))
    assert made.error == 0.5


def test_more_than_sixteen_bits() -> None:
    values = np.array([0, 200_000, 100_001], np.int32).reshape(1, 1, 3)
    made = coded(values)
    assert made.error == pytest.approx(200_000 / 65535 / 2)
    assert np.abs(made.codes * made.scale + made.offset - values).max() <= made.error


def test_slab_by_slab(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(0).normal(0, 100, (9, 4, 5)).astype(np.float32)
    whole = coded(values).codes
    monkeypatch.setattr(quantising, "_SLAB_VOXELS", 45)
    assert np.array_equal(coded(values).codes, whole)
    assert np.array_equal(coded(np.asfortranarray(values)).codes, whole)
