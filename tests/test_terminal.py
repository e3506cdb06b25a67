"""Sentences to stderr, answers to stdout; lines instead of bars where there is no terminal."""

from __future__ import annotations

import io

import pytest

from vesalius import terminal
from vesalius.terminal import Terminal, answer, table


def test_sentences_go_to_stderr_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    Terminal().say("[bold]5[/bold] images " + "x" * 300)
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == "[bold]5[/bold] images " + "x" * 300 + "\n", "no markup, no folding"
    Terminal(quiet=True).say("nothing")
    assert capsys.readouterr().err == ""


def test_the_first_process_answers(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    answer("runs/x")
    monkeypatch.setenv("RANK", "1")
    answer("runs/x")
    assert capsys.readouterr().out == "runs/x\n"


def test_without_a_terminal_a_bar_is_a_line_now_and_then(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(terminal.time, "perf_counter", lambda: now[0])
    with Terminal().bar("decoding", "images") as update:
        for done in range(0, 101):
            now[0] = done / 4
            update(done, 100, note="fine" if done == 100 else "")
    assert capsys.readouterr().err.splitlines() == [
        "decoding: 40/100 images, 4/s, 15 s left",
        "decoding: 80/100 images, 4/s, 5 s left",
        "decoding: 100/100 images, 4/s  fine",
    ]


def test_what_an_earlier_run_did_is_not_this_runs_speed(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(terminal.time, "perf_counter", lambda: now[0])
    with Terminal().bar("pretraining", "steps") as update:
        now[0] = 20.0
        update(1040, 2000, earlier=1000)
    assert capsys.readouterr().err == "pretraining: 1,040/2,000 steps, 2/s, 480 s left\n"


def test_quick_work_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with Terminal().bar("listing") as update:
        update(5, 5)
        update(7)
    assert capsys.readouterr().err == ""


def test_a_bar_on_a_terminal() -> None:
    from rich.console import Console

    shown = Terminal()
    shown._console = Console(file=io.StringIO(), force_terminal=True, width=100)
    with shown.bar("embedding", "images") as update:
        update(5, 10, note="epoch 1")
        update(10, 10)
        shown.say("between")
    text = shown.console.file.getvalue()
    assert "embedding" in text
    assert "10/10" in text
    assert "between" in text


def test_a_bar_within_a_bar_and_slow_ones_say_their_rate() -> None:
    from rich.console import Console

    shown = Terminal()
    shown._console = Console(file=io.StringIO(), force_terminal=True, width=120)
    with shown.bar("linear", "cells") as outer:
        outer(1, 4, note="one on clouds")
        with shown.bar("one on clouds", "images") as inner:
            inner(5, 10)
        with shown.bar("two on clouds", "images") as inner:
            inner(10, 10)
        outer(4, 4)
    text = shown.console.file.getvalue()
    last = [line for line in text.splitlines() if "/" in line][-1]
    assert "4/4" in last, "a bar that is done goes from below the one it stood in"
    with shown.bar("knn", "cells") as update:
        update(1, 1)
    assert [terminal._rate(rate) for rate in (1234.0, 3.0, 0.42)] == ["1,234", "3", "0.42"]


def test_tables(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    table("Runs", ["id", "state"], [["a", "done"], ["b", "[red]"]])
    assert capsys.readouterr().out == "id\tstate\na\tdone\nb\t[red]\n"
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    table("Runs", ["id", "state"], [["a", "[red]x"]])
    drawn = capsys.readouterr().out
    assert "Runs" in drawn
    assert "[red]x" in drawn, "no markup in what files are called"
