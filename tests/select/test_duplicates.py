from __future__ import annotations

import json

import numpy as np
import pytest

from vesalius.data.table import SampleTable
from vesalius.runs import Run
from vesalius.select.duplicates import exact_duplicates, usable
from vesalius.select.pool import Pool
from vesalius.terminal import Terminal

NONE = np.empty(0, np.uint64)


@pytest.fixture
def table(tmp_path):
    for name, data in {"a.png": b"one", "b.png": b"two", "c.png": b"one", "d.png": b"one", "e.png": b"three"}.items():
        (tmp_path / name).write_bytes(data)
    return SampleTable.of("folder", tmp_path, ["a.png", "b.png", "c.png", "d.png", "e.png", "gone.png"])


def test_equal_bytes_are_duplicates_of_the_first(table):
    assert exact_duplicates(table, NONE) == [(2, 0), (3, 0)]


def test_what_was_selected_before_stays_and_stands_for_the_others(table):
    assert exact_duplicates(table, table.ids[[3]]) == [(0, 3), (2, 3)]
    assert exact_duplicates(table, table.ids[[2, 3]]) == [(0, 2)]


def test_frames_and_boxes_of_a_file_are_no_duplicates(tmp_path):
    (tmp_path / "a.tif").write_bytes(b"x")
    assert exact_duplicates(SampleTable.of("t", tmp_path, ["a.tif"] * 3, frames=[0, 1, 1], boxes=[None, None, (0, 0, 2, 2)]), NONE) == []


def test_a_pool_without_what_is_gone_or_there_twice(table, tmp_path, capsys):
    pool = Pool(table, np.asarray(table.frame["uri"], dtype=np.str_))
    run = Run.create("select", "x", {}, tmp_path / "run")
    assert usable(pool, run, Terminal(), once=True, before=NONE).names.tolist() == ["a.png", "b.png", "e.png"]
    said = capsys.readouterr().err
    assert "gone.png" in said
    assert "c.png, d.png" in said
    ids = [f"{int(i):016x}" for i in table.ids]
    assert json.loads((run.path / "duplicates.json").read_text()) == [{"id": ids[2], "of": ids[0]}, {"id": ids[3], "of": ids[0]}]
    assert [one["id"] for one in json.loads((run.path / "left_out.json").read_text())] == [ids[5]]
    assert len(usable(pool, run, Terminal(quiet=True), once=False, before=NONE)) == 5
