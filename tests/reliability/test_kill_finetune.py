"""A fine-tuning killed at times drawn uniformly over it, resumed, and still the one that was never killed: every bit.

VESALIUS_KILLS sets how often each is killed (1 here, 20 in ``make prove``).
"""

import json
import os
from pathlib import Path

import pytest

from tests.reliability import zygote


@pytest.mark.parametrize(("kind", "freeze"), [("binary", "false"), ("binary", "true")])
def test_a_killed_fine_tuning_ends_as_if_it_had_not_been(kind: str, freeze: str, tmp_path: Path) -> None:
    kills = os.environ.get("VESALIUS_KILLS", "1")
    environment = {**os.environ, "VESALIUS_CACHE": str(tmp_path / "cache"), "VESALIUS_RUNS": str(tmp_path / "runs")}
    done = zygote.run("tests.reliability.finetune_harness", kind, freeze, kills, tmp_path, env=environment, timeout=590)
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["different"] == []
    assert found["kills"] == int(kills), found
