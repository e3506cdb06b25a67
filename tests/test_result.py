from __future__ import annotations

import json
from pathlib import Path

import pytest

from vesalius.errors import UserError
from vesalius.result import Result


def test_results_are_read_where_they_are(tmp_path: Path) -> None:
    made = Result(tmp_path)
    assert made.results == {}
    assert repr(made) == f"Result('{tmp_path}')"
    (tmp_path / "results.json").write_text(json.dumps({"verdict": ["<b>Better</b>."]}))
    assert made.results["verdict"] == ["<b>Better</b>."]


def test_a_notebook_sees_the_verdict_escaped_and_only_whole_rows(tmp_path: Path) -> None:
    whole = {"encoder": "own", "probe": "linear", "metric": "accuracy", "value": 0.5, "low": 0.4, "high": 0.6}
    (tmp_path / "results.json").write_text(json.dumps({"verdict": ["<b>"], "probes": [whole, {**whole, "encoder": "half", "low": None}]}))
    shown = Result(tmp_path)._repr_html_()
    assert "&lt;b&gt;" in shown
    assert "0.400 to 0.600" in shown
    assert "half" not in shown


def test_a_run_without_an_encoder_says_so(tmp_path: Path) -> None:
    with pytest.raises(UserError):
        _ = Result(tmp_path).encoder
