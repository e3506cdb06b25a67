"""Small jobs of the Lightly Worker's document: images, its dictionaries in a file, a training that takes a second."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.coverage.command_line import Done, vesalius

DIVERSE = {"n_samples": 4, "strategies": [{"input": {"type": "EMBEDDINGS"}, "strategy": {"type": "DIVERSITY"}}]}
SMALL = {
    "model": {"name": "resnet-18", "out_dim": 10, "num_ftrs": 6, "width": 0.125},
    "loader": {"batch_size": 8}, "trainer": {"max_epochs": 1}, "collate": {"input_size": 16},
}  # fmt: skip
"""A network and a training that take a second."""


@contextmanager
def at_home(folder: Path) -> Iterator[pytest.MonkeyPatch]:
    """Runs lie in ``folder``; pages, which have tests of their own, are not built."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VESALIUS_RUNS", str(folder / "runs"))
        patch.setattr(importlib.import_module("vesalius.report"), "build", lambda runs, *_: runs[0] / "report.html")
        yield patch


def job(file: Path, data: Path, *words: str, worker: dict[str, Any] | None = None, lightly: dict[str, Any] | None = None) -> Done:
    """``vesalius select FILE --data DATA WORDS``; ``folder`` of what is returned is the run's."""
    given = {"worker_config": worker or {}, "selection_config": DIVERSE, "lightly_config": lightly or {}}
    file.write_text(yaml.safe_dump(given))
    done = vesalius("select", str(file), "--data", str(data), "--threads", "1", *words)
    return Done(done.code, done.said, Path(done.said.strip().splitlines()[-1])) if done.code == 0 else done
