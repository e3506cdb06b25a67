from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from vesalius.runs import Run
from vesalius.runs.sending import Sender


class Broken:
    """A tracker that cannot be reached until it is mended."""

    def __init__(self) -> None:
        self.down, self.asked = True, 0
        self.got: list[Any] = []

    def begin(self, config: Mapping[str, Any]) -> Mapping[str, str]:
        self.asked += 1
        if self.down:
            raise ConnectionError("no route")
        return {}

    def last_steps(self) -> Mapping[str, int]:
        return {}

    def points(self, batch: Sequence[Any]) -> None:
        self.got += batch

    def __getattr__(self, name: str) -> Any:
        return lambda *words, **more: None


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("VESALIUS_RUNS", str(tmp_path / "runs"))
    return Run.create("pretrain", "x", {"epochs": 1}, device="cpu")


def test_a_tracker_that_fails_is_waited_for_and_the_run_goes_on(run: Run) -> None:
    said: list[str] = []
    tracker: Any = Broken()
    sender = Sender("shelf", tracker, run, said.append)
    sender.go(ends=False)
    assert sender.failure
    assert sender.missing() == ["everything"]
    sender.go(ends=False)
    assert tracker.asked == 1  # not yet time again
    tracker.down = False
    sender.go(ends=True)
    assert sender.missing() == []


def test_a_checkpoint_that_was_not_sent_gives_way_to_a_newer_one(run: Run, tmp_path: Path) -> None:
    sender = Sender("shelf", Broken(), run, lambda text: None)  # type: ignore[arg-type]
    first, second = tmp_path / "1", tmp_path / "2"
    for stage in (first, second):
        stage.mkdir()
    sender.offer("1", first)
    sender.offer("2", second)
    assert not first.exists()
    assert second.exists()
