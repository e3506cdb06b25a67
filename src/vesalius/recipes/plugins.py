"""A run's plugins: kept beside it with their hashes, and found again when it is gone on with."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from vesalius.files import atomic_write
from vesalius.runs import Run


def keep_plugins(run: Run, plugins: Sequence[str]) -> None:
    """Copy ``plugins`` into the run, each with its hash."""
    kept = []
    for number, plugin in enumerate(plugins):
        content, copy = Path(plugin).read_bytes(), f"plugins/{number}-{Path(plugin).name}"
        atomic_write(run.path / copy, content)
        kept.append({"copy": copy, "sha256": hashlib.sha256(content).hexdigest()})
    if kept:
        run.record(plugins=kept)


def plugins_of(run: Run) -> list[str]:
    """The plugins the run was started with: where they were, or the run's copies where those have changed since."""
    found = []
    for given, kept in zip(run.config().get("plugins") or (), run.facts().get("plugins") or (), strict=True):
        same = Path(given).is_file() and hashlib.sha256(Path(given).read_bytes()).hexdigest() == kept["sha256"]
        found.append(given if same else str(run.path / kept["copy"]))
    return found
