"""What an evaluation shows on a terminal and in a notebook."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.report.fake_evaluation import SETS, ZOO, results, write
from vesalius.evaluate.showing import html, lines, scores
from vesalius.inspection import runs_show


def test_a_table_for_each_protocol_with_the_best_marked():
    said = lines(results(ZOO[:2], ("pneumoniamnist",), ("linear", "knn")))
    assert [line for line in said if line.startswith(("linear", "knn"))] == ["linear       pneumoniamnist", "knn          pneumoniamnist"]
    assert sum(line.endswith(" *") for line in said) == 2
    assert all(" to " in line for line in said if line.startswith(("byol", "pirl", "random init")))


def test_many_data_sets_fit_without_their_intervals():
    said = lines(results(ZOO, SETS, ("knn",)))
    assert not any(" to " in line for line in said[:-1])
    assert len({len(line.split()) for line in said[3:-1] if line.startswith("byol")}) == 1
    assert max(map(len, said)) < 200


def test_ties_are_explained_where_there_are_any():
    found = results(ZOO[:2], ("bach",), ("knn",))
    found["knn"]["ties"][0]["tied"] = []
    assert lines(found)[-1] == "* the best encoder; 95 % intervals"
    names = [found["knn"]["ties"][0]["best"], "pirl", "byol"]
    found["knn"]["ties"][0]["tied"] = names[1:]
    assert lines(found)[-1].startswith("* the best encoder, = not told apart from it")


def test_a_run_is_shown_with_its_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs_show(str(write(tmp_path / "run", results(ZOO[:2], ("bach",), ("knn",)))))
    said = capsys.readouterr().out.splitlines()
    assert any(line.startswith("byol") and " to " in line for line in said)
    assert any(line.startswith("* the best encoder") for line in said)


def test_nothing_of_pairs_no_table():
    assert lines({"protocols": ["robustness"], "robustness": {}}) == []


def test_a_notebook_s_table_cannot_be_broken_by_a_name():
    shown = html(results(("<b>x",), ("bach",), ("knn",)))
    assert "&lt;b&gt;x" in shown
    assert shown.count("<tr>") == 4


def test_scores_by_encoder_and_data():
    frame = scores(results(ZOO[:2], ("bach", "stoic"), ("linear", "knn")))
    assert frame.shape == (8, 2)
    assert frame.index[4] == ("knn", "byol")
    assert 0.3 < float(frame["stoic"].iloc[4]) < 1
    assert scores({}).empty
