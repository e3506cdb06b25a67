from __future__ import annotations

from pathlib import Path

import pytest

from vesalius.recipes.end_to_end import BEST, stopped_early
from vesalius.runs import Run
from vesalius.terminal import Terminal


def test_a_run_without_a_checkpoint_did_not_stop_early(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VESALIUS_RUNS", str(tmp_path / "runs"))
    run = Run.create("finetune", "x", {}, device="cpu")
    assert stopped_early(run, Terminal(quiet=True)) is None
    assert BEST == "best-validation"
