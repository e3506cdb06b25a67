"""Two processes by `torchrun` train a segmenter as one does: curve, looks at whole volumes, scores.

Every sample's loss is of its own voxels, so that a step differs by the order of sums alone.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.reliability.harness import free_port
from tests.reliability.processes import environment, known_key, vesalius
from tests.reliability.test_torchrun import AGENT
from tests.segmented import PLAN, RECIPE, heads


def rows(run: Path, kind: str) -> list[dict[str, Any]]:
    return [row for line in (run / "metrics.jsonl").read_text().splitlines() if (row := json.loads(line))["kind"] == kind]


def test_segmenting(tmp_path: Path) -> None:
    heads(tmp_path, 4, 3, 1)
    recipe = {**RECIPE, "data": {"train": "list.json", "plan": PLAN}, "optimizer": {"name": "sgd", "lr": 0.05}, "steps": 4, "validate_every": {"steps": 2}}
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    known_key(tmp_path)
    done = vesalius(tmp_path, "finetune", "recipe.yaml", "--out", "one")
    assert done.returncode == 0, done.stderr
    words = [*AGENT, "2", "--master_port", str(free_port()), "-m", "vesalius.cli", "finetune", "recipe.yaml", "--batch_size", "2", "--out", "two"]
    done = subprocess.run(words, cwd=tmp_path, env=environment(tmp_path), capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    one, two = (rows(tmp_path / name, "train") for name in ("one", "two"))
    assert [row["loss"] for row in two] == pytest.approx([row["loss"] for row in one], rel=1e-4)
    assert two[0]["loss"] == pytest.approx(one[0]["loss"], rel=1e-6)
    looks = [[row["monitor/validation/dice"] for row in rows(tmp_path / name, "monitor")] for name in ("one", "two")]
    assert len(looks[0]) == 3
    assert looks[1] == pytest.approx(looks[0], abs=2e-3), "three volumes on two processes"
    found = [json.loads((tmp_path / name / "results.json").read_text())["scores"][0]["value"] for name in ("one", "two")]
    assert found[1] == pytest.approx(found[0], abs=2e-3)
    assert json.loads((tmp_path / "two" / "run.json").read_text())["world"] == 2
    assert {p.name for p in (tmp_path / "two").iterdir()} == {p.name for p in (tmp_path / "one").iterdir()}
