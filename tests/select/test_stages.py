"""A stage that is done is not done again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from vesalius.runs import Run
from vesalius.select.stages import Stages
from vesalius.terminal import Terminal


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run.create("select", "x", {}, tmp_path / "run")


def _stage(run: Run, calls: list[int], key: Any = 1, name: str = "embed") -> Any:
    def work() -> dict[str, int]:
        calls.append(1)
        (run.path / "made").write_text("x")
        return {"rows": 3}

    return Stages(run, Terminal(quiet=True)).run(name, {"key": key}, ["made"], work)


def test_it_is_done_once(run: Run) -> None:
    calls: list[int] = []
    assert _stage(run, calls) == _stage(run, calls) == {"rows": 3}
    assert len(calls) == 1
    assert run.facts()["stage"] == "embed"


def test_it_is_done_again_when_what_it_depends_on_changed(run: Run) -> None:
    calls: list[int] = []
    _stage(run, calls, 1)
    _stage(run, calls, 2)
    assert len(calls) == 2


def test_it_is_done_again_when_its_file_is_gone(run: Run) -> None:
    calls: list[int] = []
    _stage(run, calls)
    (run.path / "made").unlink()
    _stage(run, calls)
    assert len(calls) == 2


def test_what_was_interrupted_is_done_again(run: Run) -> None:
    def fail() -> dict[str, int]:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Stages(run, Terminal(quiet=True)).run("embed", {"key": 1}, [], fail)
    calls: list[int] = []
    _stage(run, calls)
    assert len(calls) == 1
    assert Stages(run, Terminal(quiet=True)).known["embed"]["state"] == "done"
