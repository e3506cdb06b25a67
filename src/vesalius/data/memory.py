"""How much memory is there."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

_UNKNOWN = 4 << 30  # where nothing tells


def free_memory() -> int:
    """Bytes this process may still take: what the machine has free, and what its container (cgroup 2) allows."""
    return min(_of_machine(), _of_container())


def _of_machine() -> int:
    with suppress(OSError, ValueError, StopIteration):
        lines = Path("/proc/meminfo").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("MemAvailable")).split()[1]) << 10
    with suppress(OSError, ValueError, AttributeError):
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
    return _UNKNOWN


def _of_container(folder: Path = Path("/sys/fs/cgroup")) -> int:
    """What is left below the limit; files held in memory give way and are not counted as taken."""
    with suppress(OSError, ValueError, KeyError):
        limit = int((folder / "memory.max").read_text())  # "max" where there is none
        kinds = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
        taken = int((folder / "memory.current").read_text()) - int(kinds["inactive_file"])
        return max(0, limit - taken)
    return 1 << 62
