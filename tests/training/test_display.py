"""The bar of a pretraining: numbers since this process began, an estimate once, times in words."""

from __future__ import annotations

import re

import pytest

from vesalius.terminal import Terminal
from vesalius.training import display
from vesalius.training.display import FitDisplay, in_words
from vesalius.training.method import Progress


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.04, "0.0 s"), (9.5, "9.5 s"), (42.0, "42 s"), (59.7, "1 min 0 s"), (95.0, "1 min 35 s"), (3600.0, "1 h 0 min"), (90061.0, "25 h 1 min")],
)
def test_times_in_words(seconds: float, words: str) -> None:
    assert in_words(seconds) == words


def test_what_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(1000))
    monkeypatch.setattr(display.time, "perf_counter", lambda: float(next(clock)))
    shown: list[tuple[int, int, dict[str, object]]] = []
    said: list[str] = []
    terminal = Terminal(quiet=True)
    monkeypatch.setattr(terminal, "say", said.append)
    bar = FitDisplay(terminal, lambda done, total, **more: shown.append((done, total, more)))
    for step in range(101, 141):  # a run that goes on after step 100, one second a step
        bar.step(Progress(step, 200, step // 10, 20.0, 10), 4.0 if step == 101 else None, 32, 0.25)
    assert [done for done, _, _ in shown] == list(range(101, 141))
    assert {more["earlier"] for _, _, more in shown} == {100}
    assert shown[-1][2]["note"] == "epoch 14.0/20  loss 4.000  32 images/s  waiting 25%"
    assert len(said) == 1
    assert re.match(r"After 20 steps: 32 images/s, 10 s per epoch, 1 min 20 s to go, 25% of the time", said[0])


def test_no_estimate_where_little_is_left() -> None:
    terminal = Terminal(quiet=True)
    said: list[str] = []
    terminal.say = said.append  # type: ignore[method-assign]
    bar = FitDisplay(terminal, lambda *_, **__: None)
    for step in range(1, 31):
        bar.step(Progress(step, 30, 0, 1.0, 30), 1.0, 8, 0.0)
    assert said == []
