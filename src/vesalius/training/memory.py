"""On the CPU the allocator keeps what a step frees, for the next step.

glibc gives every block over 32 MB back to the system and asks for it again a moment later; the system clears and maps
each page anew. A training step frees and takes hundreds of such blocks, and on a virtual machine the page faults can
take longer than the arithmetic.
"""

from __future__ import annotations

import ctypes
import sys

_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4


def keep_freed_memory() -> bool:
    """Tell glibc to keep freed memory in this process; whether it listened. Elsewhere than on Linux nothing is done.

    Memory then stays at its peak until the process ends, as it does on a GPU under torch's caching allocator.
    """
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    return bool(mallopt(_M_MMAP_MAX, 0)) and bool(mallopt(_M_TRIM_THRESHOLD, 2**31 - 1))
