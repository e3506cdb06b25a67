from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.select.made_selection import made
from vesalius.errors import UserError
from vesalius.select.answers_file import answers_of
from vesalius.select.candidates import Candidates


@pytest.fixture(scope="module")
def candidates(tmp_path_factory: pytest.TempPathFactory) -> Candidates:
    return made(tmp_path_factory.mktemp("pictures"), 12, 3).selected.candidates


def test_rows_are_found_by_name_in_any_order_and_others_are_unknown(candidates: Candidates, tmp_path: Path) -> None:
    names = candidates.names[::-1][:-2]
    file = tmp_path / "predictions.csv"
    pd.DataFrame({"uri": names, "prob_no": np.linspace(0, 1, 10), "prob_yes": 1 - np.linspace(0, 1, 10)}).to_csv(file, index=False)
    found = answers_of(file, candidates)
    assert found.shape == (12, 2)
    assert np.isnan(found[:2]).all()
    np.testing.assert_allclose(found[::-1][:10, 0], np.linspace(0, 1, 10))


@pytest.mark.parametrize("frame", [pd.DataFrame({"uri": ["a"], "prediction": [1]}), pd.DataFrame({"uri": ["a", "a"], "prob_x": [1, 1]})])
def test_what_holds_no_answers_is_refused(candidates: Candidates, tmp_path: Path, frame: pd.DataFrame) -> None:
    frame.to_parquet(tmp_path / "predictions.parquet")
    with pytest.raises(UserError, match=r"predictions\.parquet"):
        answers_of(tmp_path / "predictions.parquet", candidates)
    with pytest.raises(UserError, match="could not be read"):
        answers_of(tmp_path / "gone.csv", candidates)
