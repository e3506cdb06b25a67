from __future__ import annotations

import numpy as np
import pytest

from vesalius.errors import UserError
from vesalius.select.numeric import added_up, at_most, numbers_of, positive
from vesalius.select.values import Classes, Numbers, Vectors


def test_factors_keep_order_and_forget_the_scale() -> None:
    values = np.array([3.0, 1.0, 2.0])
    found = positive(values, 1)
    assert found.argsort().tolist() == [1, 2, 0]
    assert found.max() == pytest.approx(1)
    assert found.min() > 0
    np.testing.assert_allclose(positive(1000 * values, 1), found)
    np.testing.assert_array_equal(positive(np.full(3, 7.0), 1), 1)


def test_what_is_not_known_is_the_worst_either_way() -> None:
    values = np.array([np.nan, -5.0, 5.0])
    assert positive(values, 1)[0] < positive(values, 1)[1:].min()
    assert positive(values, -1)[0] > positive(values, -1)[1:].max()


def test_sums_leave_out_what_is_not_known_and_forgive_rounding() -> None:
    assert added_up(Numbers(np.array([1.0, np.nan]), "x")).tolist() == [1, 0]
    assert at_most(np.array([0.1 + 0.2, 0.31]), 0.3).tolist() == [True, False]


def test_classes_and_vectors_are_no_numbers() -> None:
    numbers = Numbers(np.zeros(2), "x")
    assert numbers_of(numbers, "WEIGHTS") is numbers
    for other in (Classes(["a"], np.zeros((2, 1)), "x"), Vectors(np.zeros((2, 3)))):
        with pytest.raises(UserError, match="WEIGHTS needs numbers"):
            numbers_of(other, "WEIGHTS")
