"""Killed at times drawn uniformly over the run, resumed, and still the run that was never killed: every method.

VESALIUS_KILLS sets how often each is killed (1 here, 20 in ``make prove``).
"""

import json
import os
from pathlib import Path

import pytest

from tests.reliability import zygote
from vesalius import registry

KILLS = int(os.environ.get("VESALIUS_KILLS", "1"))
SECONDS = 560 + 120 * KILLS


@pytest.mark.timeout(SECONDS + 10)
@pytest.mark.parametrize("world", [1, 2])
@pytest.mark.parametrize("method", sorted(registry.names("methods")))
def test_a_killed_run_ends_as_if_it_had_not_been(method: str, world: int, tmp_path: Path) -> None:
    environment = {**os.environ, "VESALIUS_CACHE": str(tmp_path / "cache"), "VESALIUS_RUNS": str(tmp_path / "runs")}
    done = zygote.run("tests.reliability.harness", method, world, KILLS, tmp_path, env=environment, timeout=SECONDS)
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    print(found)
    assert found["different"] == []
    assert found["kills"] == KILLS, found
