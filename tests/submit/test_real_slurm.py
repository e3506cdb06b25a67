"""On a Slurm that is up (``python -m tests.submit.slurm_here python -m pytest -m slurm tests/submit`` brings one up)."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest


def _up() -> bool:
    try:
        return "low" in subprocess.run(["sinfo", "--noheader", "--format", "%R"], capture_output=True, text=True, timeout=20, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        return False


@pytest.mark.slurm
@pytest.mark.timeout(900)
@pytest.mark.skipif(not os.environ.get("SLURM_CONF"), reason="no Slurm is up: python -m tests.submit.slurm_here python -m pytest -m slurm")
def test_a_job_that_is_pre_empted_ends_as_if_it_had_not_been(tmp_path: Path) -> None:
    from tests.submit.slurm_story import tell

    assert _up(), "SLURM_CONF is set, but no partition `low` answers"
    story, different = tell(tmp_path)
    assert different == []
    assert "Stopped as asked after step" in "\n".join(story.text)
