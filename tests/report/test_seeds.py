from __future__ import annotations

import json
from pathlib import Path

from vesalius.report.reading import RunRecord
from vesalius.report.seeds import repetitions


def written(folder: Path) -> None:
    folder.mkdir()
    (folder / "run.json").write_text(json.dumps({"id": "x", "verb": "finetune"}))


def test_the_runs_of_each_seed_that_are_there_are_read(tmp_path: Path) -> None:
    for seed in (0, 2):
        written(tmp_path / f"seed-{seed}")
    found = repetitions(RunRecord(tmp_path, results={"seeds": [0, "x", 1, 2]}))
    assert [one.info["name"] for one in found] == ["seed 0", "seed 2"]
    assert repetitions(RunRecord(tmp_path)) == []


def test_named_repetitions_come_first(tmp_path: Path) -> None:
    written(tmp_path / "scratch-1")
    found = repetitions(RunRecord(tmp_path, results={"repeated": {"runs": ["scratch-1", "gone"]}, "seeds": [0]}))
    assert [one.info["name"] for one in found] == ["scratch 1"]
