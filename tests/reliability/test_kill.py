"""Killed at times drawn uniformly over the run, resumed, and still the run that was never killed.

VESALIUS_KILLS sets how often each is killed: once here, some methods; 20 times in ``make prove``, every one.
"""

import json
import os
from pathlib import Path

import pytest

from tests.reliability import zygote
from vesalius import registry

KILLS = int(os.environ.get("VESALIUS_KILLS", "1"))
SECONDS = 560 + 120 * KILLS
METHODS = sorted(registry.names("methods"))
ALONE = METHODS if KILLS > 1 else ["dino", "mae", "restoration", "simclr"]
"""In a quick run one of each kind: a teacher with a centre, dropped tokens, volumes, negatives."""
TOGETHER = METHODS if KILLS > 1 else ["moco"]
"""Killed as two processes too: in a quick run the one that keeps most of what all processes made, its teacher and its queue; of the others
``test_parity`` holds many processes against one.
"""


@pytest.mark.timeout(SECONDS + 10)
@pytest.mark.parametrize(("method", "world"), [*((method, 1) for method in ALONE), *((method, 2) for method in TOGETHER)])
def test_a_killed_run_ends_as_if_it_had_not_been(method: str, world: int, tmp_path: Path) -> None:
    environment = {**os.environ, "VESALIUS_CACHE": str(tmp_path / "cache"), "VESALIUS_RUNS": str(tmp_path / "runs")}
    done = zygote.run("tests.reliability.harness", method, world, KILLS, tmp_path, env=environment, timeout=SECONDS)
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    print(found)
    assert found["different"] == []
    assert found["kills"] == KILLS, found
