"""Kept memory is not faulted in again."""

import subprocess
import sys

import pytest

PROGRAM = """
import resource, sys, torch
from vesalius.training.memory import keep_freed_memory
if sys.argv[1] == "keep":
    assert keep_freed_memory()
torch.set_num_threads(1)
def step():
    return sum(float(torch.ones(12_000_000)[0]) for _ in range(8))  # 48 MB each
step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(how: str) -> int:
    done = subprocess.run([sys.executable, "-c", PROGRAM, how], capture_output=True, text=True, timeout=120, check=True)
    return int(done.stdout)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs glibc")
def test_kept_memory_is_not_faulted_in_again() -> None:
    assert faults("keep") * 5 < faults("give back")
