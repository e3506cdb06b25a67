"""A fine-tuning killed at times drawn uniformly over it, resumed, and still the one that was never killed: every bit.

VESALIUS_KILLS sets how often each is killed (1 here, 20 in ``make prove``).
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize(("kind", "freeze"), [("binary", "false"), ("binary", "true")])
def test_a_killed_fine_tuning_ends_as_if_it_had_not_been(kind: str, freeze: str, tmp_path: Path) -> None:
    kills = os.environ.get("VESALIUS_KILLS", "1")
    command = [sys.executable, "-W", "ignore", "-m", "tests.reliability.finetune_harness", kind, freeze, kills, str(tmp_path)]
    environment = {**os.environ, "VESALIUS_CACHE": str(tmp_path / "cache"), "VESALIUS_RUNS": str(tmp_path / "runs")}
    done = subprocess.run(command, capture_output=True, text=True, timeout=590, check=False, env=environment)
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["different"] == []
    assert found["kills"] == int(kills), found
