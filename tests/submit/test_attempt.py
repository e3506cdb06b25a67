from __future__ import annotations

import sys
from pathlib import Path

import pytest

from vesalius.submit.attempt import attempt, words

LINE = ["pretrain", "demo", "--epochs", "3"]


def test_a_run_that_is_there_is_gone_on_with(tmp_path: Path) -> None:
    run = tmp_path / "run"
    assert words(LINE, run) == [*LINE, "--out", str(run)]
    run.mkdir()
    (run / "run.json").write_text("{}")
    assert words(LINE, run) == ["pretrain", "--resume", str(run)]
    assert words(LINE, None) == LINE


def test_the_line_runs_in_this_process_and_its_code_is_returned(capsys: pytest.CaptureFixture[str]) -> None:
    before = sys.argv
    assert attempt(["recipes", "show", "no-such-recipe"], None) == 2
    assert sys.argv is before
    assert attempt(["--version"], None) == 0
