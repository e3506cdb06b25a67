"""What a training sets for its whole process: threads, deterministic kernels, the allocator."""

from __future__ import annotations

import torch

from vesalius.training.memory import keep_freed_memory
from vesalius.training.world import pick_device


def settle(device: str, threads: int | None, deterministic: bool) -> None:
    """Prepare this process. Raises UserError for a ``device`` that is not there."""
    pick_device(device)
    if threads:
        torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(deterministic)
    keep_freed_memory()
