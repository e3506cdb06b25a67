"""Several fine-tunings in one folder: each made once, gone on with where it stands, and what ends one ends the whole."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from vesalius.errors import Preempted
from vesalius.evaluate.finetuned.repeating import Repeat, repeated
from vesalius.recipes.finetune_config import FinetuneConfig
from vesalius.runs import Run
from vesalius.terminal import Terminal

CONFIG = FinetuneConfig(steps=1)
WANTED = [Repeat("seed-1", "Seed 1", {"seed": 1}), Repeat("seed-2", "Seed 2", {"seed": 2})]


def whole(tmp_path: Path, run: Run | None = None) -> Path:
    def write(run: Run) -> None:
        run.write_json("results.json", {"verdict": ["All are done."]})

    return repeated(CONFIG, WANTED, "seeds", write, run, tmp_path / "whole", Terminal(quiet=True), quiet=True)


def test_each_part_once_and_what_is_begun_is_gone_on_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[str, str]] = []

    def finetune(recipe: Any = None, *, out: Path | None = None, resume: Path | None = None, quiet: bool) -> None:
        place = out or resume
        assert place is not None
        calls.append(("begun" if out else "gone on with", place.name))
        place.mkdir(parents=True, exist_ok=True)
        (place / "run.json").write_text("{}")
        if len(calls) == 2:
            raise Preempted(f"Saved; run `vesalius finetune --resume {place}` to go on.")

    importlib.import_module("vesalius.finetune")
    monkeypatch.setattr(sys.modules["vesalius.finetune"], "finetune", finetune)
    with pytest.raises(Preempted, match=r"--resume \S+whole`") as stopped:
        whole(tmp_path)
    assert "seed-2" not in str(stopped.value), "the whole is gone on with, not its part"
    assert not (tmp_path / "whole" / "results.json").exists()
    found = whole(tmp_path, Run(tmp_path / "whole"))
    assert calls == [("begun", "seed-1"), ("begun", "seed-2"), ("gone on with", "seed-1"), ("gone on with", "seed-2")]
    assert json.loads((found / "results.json").read_text())["verdict"] == ["All are done."]
