"""Picks by id, written and read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from vesalius.runs import Run
from vesalius.select.picks import Picks
from vesalius.select.picks_file import COLUMNS, FILE, keep, read

IDS = np.asarray([11, 2**63 + 5, 7, 3], np.uint64)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run.create("select", "x", {}, tmp_path / "run")


def test_what_is_read_is_what_was_kept(run: Run) -> None:
    picks = Picks(np.asarray([2, 1]), np.asarray([0.5, 0.25]), np.asarray([-1, 2]), np.asarray([np.nan, 0.75]), [{"diversity": {}}, {"w": {"value": 3}}], "")
    keep(run, picks, IDS)
    back = read(run.path, IDS, "enough")
    assert back.rows.tolist() == [2, 1]
    assert back.gain.tolist() == [0.5, 0.25]
    assert back.nearest.tolist() == [-1, 2]
    assert np.isnan(back.distance[0])
    assert back.distance[1] == 0.75
    assert back.reasons == picks.reasons
    assert back.stopped == "enough"


def test_rows_follow_the_ids_not_the_order(run: Run) -> None:
    keep(run, Picks.of([0, 3], [2.0, 1.0]), IDS)
    assert read(run.path, IDS[::-1].copy()).rows.tolist() == [3, 0]


def test_its_columns_are_public_and_ids_are_hexadecimal(run: Run) -> None:
    keep(run, Picks.of([1], [2.0]), IDS)
    frame = pd.read_parquet(run.path / FILE)
    assert tuple(frame.columns) == COLUMNS
    assert frame["id"][0] == "8000000000000005"
    assert frame["order"].tolist() == [1]


def test_nothing_picked_is_an_empty_table(run: Run) -> None:
    keep(run, Picks.of([], []), IDS)
    assert len(read(run.path, IDS)) == 0
