from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from vesalius.data.encoding import encode
from vesalius.errors import UserError


@pytest.mark.parametrize(
    ("values", "codes", "names", "kind"),
    [
        (["b", "a", None, " b "], [1, 0, np.nan, 1], ["a", "b"], "binary"),
        (["x", "z", "y", ""], [0, 2, 1, np.nan], ["x", "y", "z"], "classes"),
        ([1, 5, 3, 1], [0, 2, 1, 0], ["1", "3", "5"], "classes"),
        ([-1.0, 1.0, np.nan, 1.0], [0, 1, np.nan, 1], ["-1", "1"], "binary"),
        (["10", "9", "10", "8"], [2, 1, 2, 0], ["8", "9", "10"], "classes"),
        ([True, False, True, True], [1, 0, 1, 1], ["no", "yes"], "binary"),
    ],
)
def test_one_column(values: list[Any], codes: list[float], names: list[str], kind: str) -> None:
    columns, classes, task = encode(pd.DataFrame({"x": values}), ["x"], None)
    np.testing.assert_array_equal(columns["x"], codes)
    assert classes == {"x": names}
    assert (task.kind, task.classes) == (kind, tuple(names))


def test_fractions_are_a_regression() -> None:
    columns, classes, task = encode(pd.DataFrame({"age": [1.5, np.nan, 3]}), ["age"], None)
    np.testing.assert_array_equal(columns["age"], [1.5, np.nan, 3])
    assert (classes, task.kind) == ({}, "regression")
    assert encode(pd.DataFrame({"age": [1, 2, 3]}), ["age"], "regression")[2].kind == "regression"


def test_several_columns_are_yes_and_no() -> None:
    frame = pd.DataFrame({"a": ["yes", "No", None, "-1"], "b": [1, 0, -1, 1], "c": [True, False, True, False]})
    columns, _, task = encode(frame, ["a", "b", "c"], None)
    np.testing.assert_array_equal(columns["a"], [1, 0, np.nan, np.nan])
    np.testing.assert_array_equal(columns["b"], [1, 0, np.nan, 1])
    np.testing.assert_array_equal(columns["c"], [1, 0, 1, 0])
    assert (task.kind, task.labels) == ("multilabel", ("a", "b", "c"))


def test_a_grade_can_be_ordinal() -> None:
    assert encode(pd.DataFrame({"g": [0, 1, 2]}), ["g"], "ordinal")[2].kind == "ordinal"


@pytest.mark.parametrize(
    ("frame", "labels", "kind", "said"),
    [
        ({"x": ["a", "a"]}, ["x"], None, "'a' wherever it is known, and there is nothing to tell apart"),
        ({"x": [str(i) + "a" for i in range(1200)]}, ["x"], None, "1200 different values"),
        ({"x": ["a", "b"]}, ["x"], "regression", "words"),
        ({"x": [1, 2, 3]}, ["x"], "binary", "a binary label has 2"),
        ({"x": [1, 0], "y": ["maybe", "no"]}, ["x", "y"], None, "holds 'maybe' in row 0"),
        ({"x": [1, 0], "y": [1, 0]}, ["x", "y"], "classes", "2 label columns"),
    ],
)
def test_what_is_no_label(frame: dict[str, Any], labels: list[str], kind: Any, said: str) -> None:
    with pytest.raises(UserError, match=said):
        encode(pd.DataFrame(frame), labels, kind)
