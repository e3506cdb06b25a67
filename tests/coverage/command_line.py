"""Runs the command line in this process, as a user would type it, and gathers what it left behind."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from vesalius import registry
from vesalius.cli import main

TINY = ("--encoder.name", "resnet18", "--encoder.width", "0.125", "--threads", "1", "--examine", "false")
"""A network and an end that take a second, where a promise is about neither."""
DEBUG = ("--is_debug_model", "True", "--num_epochs", "1", "--ssl_training_batch_size", "4")
"""How the originals' own tests ran a model."""


@dataclass(frozen=True)
class Done:
    """``code`` the command left with, ``said`` on both streams, and the run in ``folder``."""

    code: int
    said: str
    folder: Path

    @property
    def config(self) -> dict[str, Any]:
        """The resolved configuration that the run wrote."""
        return yaml.safe_load((self.folder / "config.yaml").read_text())

    @property
    def metrics(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.folder / "metrics.jsonl").read_text().splitlines()]

    def rows(self, kind: str) -> list[dict[str, Any]]:
        return [row for row in self.metrics if row["kind"] == kind]

    @property
    def facts(self) -> dict[str, Any]:
        return json.loads((self.folder / "run.json").read_text())

    def monitor(self, name: str) -> dict[str, Any]:
        """The resolved fields of one monitor."""
        return next(m for m in self.config["monitors"] if m["name"] == name)


def vesalius(*arguments: str, out: Path | None = None) -> Done:
    """``vesalius ARGUMENTS [--out OUT]``."""
    said, code = io.StringIO(), 0
    known = {group: dict(names) for group, names in registry._plugins.items()}  # of this command alone: another is another process
    words = [*arguments, *(["--out", str(out)] if out is not None else [])]
    with redirect_stdout(said), redirect_stderr(said):
        try:
            main(words)
        except SystemExit as left:
            code = int(left.code or 0)
    registry._plugins.clear()
    registry._plugins.update(known)
    registry.names.cache_clear()
    return Done(code, said.getvalue(), out or Path())


def pretrain(recipe: str, out: Path, *arguments: str, tiny: Sequence[str] = TINY) -> Done:
    """A small ``vesalius pretrain`` that must succeed."""
    done = vesalius("pretrain", recipe, *tiny, *arguments, out=out)
    assert done.code == 0, done.said
    assert done.facts["state"] == "done"
    return done
