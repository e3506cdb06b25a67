from __future__ import annotations

from pathlib import Path

import pytest

from vesalius.recipes.plugins import keep_plugins, plugins_of
from vesalius.runs import Run


def test_a_plugin_is_kept_and_its_copy_taken_once_it_has_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VESALIUS_RUNS", str(tmp_path / "runs"))
    file = tmp_path / "mine.py"
    file.write_text("VESALIUS = {}\n")
    run = Run.create("pretrain", "x", {"plugins": [str(file)]}, device="cpu")
    keep_plugins(run, [str(file)])
    assert plugins_of(run) == [str(file)]
    file.write_text("VESALIUS = {'methods': []}\n")
    (copy,) = plugins_of(run)
    assert Path(copy).is_relative_to(run.path)
    assert Path(copy).read_text() == "VESALIUS = {}\n"
    file.unlink()
    assert plugins_of(run) == [copy]
