"""What a person sees while work goes on: bars with rate and time left, and sentences.

On a terminal the bars are live; into a file or pipe a line is written every ten seconds instead.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

_PAUSE = 10.0


class Terminal:
    """Writes to stderr, so that what a command answers on stdout can be piped. ``quiet`` writes nothing."""

    def __init__(self, quiet: bool = False) -> None:
        self.quiet = quiet
        self._console: Any = None
        self._live: Any = None

    @property
    def console(self) -> Any:
        """rich's console, made when first used."""
        if self._console is None:
            from rich.console import Console

            self._console = Console(stderr=True, highlight=False, quiet=self.quiet, soft_wrap=True)
        return self._console

    def say(self, text: str) -> None:
        """One line."""
        self.console.print(text, markup=False)

    @contextmanager
    def bar(self, label: str, unit: str = "images") -> Iterator[Callable[..., None]]:
        """A bar; the value is called with ``(done, total)`` and optionally ``note`` and ``earlier``, how much of ``done`` an
        interrupted run did, which says nothing of the speed. A bar within another stands below it and goes when it is done.
        """
        if not self.console.is_terminal:
            yield _Lines(self, label, unit)
            return
        with self._bars() as (progress, inner):
            task = progress.add_task(label, total=None, rate="", note="")
            began = time.perf_counter()

            def update(done: int, total: int | None = None, note: str = "", earlier: int = 0) -> None:
                rate = (done - earlier) / max(1e-9, time.perf_counter() - began)
                progress.update(task, completed=done, total=total, rate=f"{_rate(rate)} {unit}/s", note=note)

            try:
                yield update
            finally:
                if inner:
                    progress.remove_task(task)

    @contextmanager
    def _bars(self) -> Iterator[tuple[Any, bool]]:
        """What draws the bars, and whether one of them is being drawn already: a terminal can show one drawing at a time."""
        if self._live is not None:
            yield self._live, True
            return
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}"),
        )
        with Progress(*columns, console=self.console) as self._live:
            try:
                yield self._live, False
            finally:
                self._live = None


class _Lines:
    """A bar where there is no terminal: a line now and then, and one at the end."""

    def __init__(self, terminal: Terminal, label: str, unit: str) -> None:
        self.terminal, self.label, self.unit = terminal, label, unit
        self.began = self.last = time.perf_counter()

    def __call__(self, done: int, total: int | None = None, note: str = "", earlier: int = 0) -> None:
        now = time.perf_counter()
        complete = total is not None and done >= total
        if now - self.last < _PAUSE and not (complete and now - self.began > 1.0):
            return
        self.last = now
        rate = (done - earlier) / max(1e-9, now - self.began)
        left = f", {((total - done) / max(rate, 1e-9)):,.0f} s left" if total and not complete else ""
        of = f"/{total:,}" if total else ""
        self.terminal.say(f"{self.label}: {done:,}{of} {self.unit}, {_rate(rate)}/s{left}{'  ' + note if note else ''}")


def _rate(rate: float) -> str:
    """``1,200``, ``0.4``."""
    return f"{rate:,.0f}" if rate >= 10 else f"{rate:.2g}"


def answer(text: str) -> None:
    """What a command was asked for, on stdout; of several processes under torchrun the first answers."""
    if os.environ.get("RANK", "0") != "0":
        return
    sys.stdout.write(text + "\n")


def table(title: str, columns: list[str], rows: list[list[str]]) -> None:
    """A table on stdout: drawn on a terminal, tab-separated in a pipe."""
    if not sys.stdout.isatty():
        for row in [columns, *rows]:
            sys.stdout.write("\t".join(row) + "\n")
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    drawn = Table(title=Text(title) if title else None, title_justify="left")
    for column in columns:
        drawn.add_column(Text(column))
    for row in rows:
        drawn.add_row(*map(Text, row))  # brackets in a name are no markup
    Console().print(drawn)
