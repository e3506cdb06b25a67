from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from vesalius.data.schema import checked, is_number
from vesalius.errors import UserError


def rows(**more: object) -> pd.DataFrame:
    return pd.DataFrame({"id": [1, 2], "uri": ["a", "b"], "frame": [0, 0], "box": [None, None], **more})


def test_columns_get_their_types_and_splits_their_own_words() -> None:
    out = checked(rows(split=["Training", None], **{"label.a": [1, None]}), "x")
    assert out["id"].dtype == np.uint64
    assert out["label.a"].dtype == np.float64
    assert np.isnan(out["label.a"][1])
    assert out["split"][0] == "train"
    assert pd.isna(out["split"][1])


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (rows().drop(columns="uri"), "no column 'uri'"),
        (rows(id=[5, 5]), "2 rows in the table of x share an id"),
        (rows(split=["train", "tset"]), "Did you mean 'test'"),
        (rows(box=[(0, 0, 0, 4), None]), r"box \(0, 0, 0, 4\)"),
        (rows(**{"label.a": ["one", 2]}), "'label.a'"),
        (rows(colour=[1, 2]), "colour"),
    ],
)
def test_a_wrong_table_is_refused_by_column_and_row(frame: pd.DataFrame, said: str) -> None:
    with pytest.raises(UserError, match=said):
        checked(frame, "x")


@pytest.mark.parametrize(("word", "is_one"), [("1", True), ("-2.5e3", True), ("nan", True), ("", False), ("1,5", False)])
def test_numbers_are_what_python_takes_for_one(word: str, is_one: bool) -> None:
    assert is_number(word) == is_one
