"""Rows of numbers computed batch by batch into one file: killed work is gone on with, finished work is not repeated."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from vesalius.features.partial import Partial
from vesalius.files import Lock, atomic_write
from vesalius.terminal import Terminal

_PAUSE = 2.0
"""Seconds of work between two markers on disk: what a kill costs at most."""


def compute(
    file: Path,
    scratch: Path,
    key: str,
    rows: int,
    batches: Callable[[int], Iterator[Tensor]],
    finish: Callable[[NDArray[np.float32]], dict[str, Any]],
    *,
    doing: str,
    resume: bool,
    terminal: Terminal,
) -> tuple[dict[str, Any], int]:
    """Make ``file`` of the (b, D) that ``batches(start)`` gives from row ``start`` on; what ``finish`` said, rows computed.

    ``key``: everything the numbers depend on; a file whose marker (FILE.json) bears it is left as it is. ``scratch``: the
    folder of unfinished work. ``finish`` writes the whole (rows, D) to ``file`` and returns what the marker says beside
    the key. Two processes that want the same file take turns. ``resume=False`` begins again.
    """
    marker = file.with_name(f"{file.name}.json")
    scratch.parent.mkdir(parents=True, exist_ok=True)
    with Lock(scratch.with_name(f"{scratch.name}.lock")):
        facts = _finished(marker, file, key) if resume else None
        if facts is not None:
            terminal.say(f"{file.name} already holds these {rows:,} rows.")
            return facts, 0
        partial = Partial(scratch, key, rows, resume)
        known = partial.done
        if known:
            terminal.say(f"going on after {known:,} of {rows:,} rows")
        _fill(partial, batches(known), doing, terminal)
        assert partial.vectors is not None
        facts = {"key": key, **finish(partial.vectors)}
        atomic_write(marker, json.dumps(facts, indent=1) + "\n")
        partial.discard()
    return facts, rows - known


def _fill(partial: Partial, batches: Iterator[Tensor], doing: str, terminal: Terminal) -> None:
    saved = time.perf_counter()
    with terminal.bar(doing) as progress:
        for block in batches:
            partial.add(block.cpu().numpy())
            if time.perf_counter() - saved > _PAUSE:
                partial.keep()
                saved = time.perf_counter()
            progress(partial.done, partial.rows)
    partial.keep()


def _finished(marker: Path, file: Path, key: str) -> dict[str, Any] | None:
    """What the marker beside a finished file says, where it is of ``key``."""
    if not (marker.is_file() and file.is_file()):
        return None
    try:
        facts: dict[str, Any] = json.loads(marker.read_text())
    except ValueError:
        return None
    return facts if facts.get("key") == key else None
