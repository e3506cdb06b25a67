"""Where a run computes: device, process group, precision. torchrun, Slurm and Azure ML set the same variables."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import timedelta

import torch
import torch.distributed as dist
from torch import Tensor, nn

from vesalius.errors import UserError
from vesalius.training.batch_norm import share_batch_norm
from vesalius.training.precision import autocast_type


@dataclass(frozen=True)
class World:
    """A value: rank, number of ranks, device and autocast type."""

    rank: int
    size: int
    device: torch.device
    autocast: torch.dtype | None

    @property
    def first(self) -> bool:
        """Whether this process writes the run directory."""
        return self.rank == 0

    @property
    def late(self) -> bool:
        """Whether the host looks at what a step gave when the next is queued: on a GPU, which else would wait for the host at every step."""
        return self.device.type == "cuda"

    def wrap(self, method: nn.Module) -> nn.Module:
        """``method`` under DDP, its batch norms sharing the global statistics; itself when there is one process."""
        if self.size == 1:
            return method
        share_batch_norm(method, self.device)
        ids = [self.device] if self.device.type == "cuda" else None
        return nn.parallel.DistributedDataParallel(method, device_ids=ids, broadcast_buffers=False)

    def casting(self) -> AbstractContextManager[None]:
        """Autocast for the forward pass."""
        kind: AbstractContextManager[None] = torch.autocast(
            self.device.type, dtype=self.autocast or torch.bfloat16, enabled=self.autocast is not None
        )
        return kind

    def total(self, x: Tensor) -> Tensor:
        """Sum of ``x``, of any shape (...,), over ranks, in place."""
        if self.size > 1:
            dist.all_reduce(x)
        return x

    def share(self, text: str | None) -> str:
        """The first rank's ``text``, on all ranks."""
        if self.size == 1:
            assert text is not None
            return text
        data = (text or "").encode()
        length = self.total(torch.tensor([len(data)], device=self.device))
        buffer = torch.zeros(int(length[0]), dtype=torch.uint8, device=self.device)
        if data:
            buffer.copy_(torch.frombuffer(bytearray(data), dtype=torch.uint8))
        dist.broadcast(buffer, 0)
        return bytes(buffer.tolist()).decode()

    def barrier(self) -> None:
        """Wait for all ranks."""
        if self.size > 1:
            dist.barrier()


def processes() -> int:
    """How many the launcher started, whether they have met yet or not."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def pick_device(name: str, local_rank: int = 0) -> torch.device:
    """``auto`` takes CUDA, then MPS, then the CPU. Raises UserError where the named device is absent."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    kind = name.partition(":")[0]
    if kind == "cuda" and not torch.cuda.is_available():
        raise UserError("device is cuda, but torch sees no CUDA device here. Use --device cpu, or install a CUDA build of torch.")
    if kind == "mps" and not torch.backends.mps.is_available():
        raise UserError("device is mps, but this machine has none. Use --device cpu.")
    if kind not in {"cuda", "mps", "cpu"}:
        raise UserError(f"device is {name!r}; it is one of auto, cpu, cuda, cuda:N, mps.")
    try:
        place = torch.device(name)
    except RuntimeError:
        raise UserError(f"device is {name!r}; a number follows the colon, as in cuda:0.") from None
    if kind != "cuda":
        return torch.device(kind)
    index = local_rank if place.index is None else place.index
    if index >= torch.cuda.device_count():
        raise UserError(f"device is {name} with local rank {local_rank}, but torch sees {torch.cuda.device_count()} CUDA device(s) here.")
    return torch.device(kind, index)


@contextmanager
def world(device: str = "auto", precision: str = "auto") -> Iterator[World]:
    """The world of this process, from the launcher's environment (RANK, WORLD_SIZE, LOCAL_RANK); left again at the end.

    Raises UserError where the launcher's environment is incomplete, or the device has no process group.
    """
    size, rank = processes(), int(os.environ.get("RANK", "0"))
    if size > 1 and not {"MASTER_ADDR", "MASTER_PORT"} <= os.environ.keys():
        raise UserError(f"WORLD_SIZE is {size}, but MASTER_ADDR and MASTER_PORT are not set. Start with torchrun, or unset WORLD_SIZE.")
    local = int(os.environ.get("LOCAL_RANK", "0"))
    place = pick_device(device, local)
    if place.type == "cuda":
        torch.cuda.set_device(place)
    if size > 1 and place.type == "mps":
        raise UserError("MPS has no process group. Run one process, or several with --device cpu.")
    mine = size > 1 and not dist.is_initialized()
    if mine:
        # long enough for rank 0 to write a large checkpoint or report while the others wait
        dist.init_process_group("nccl" if place.type == "cuda" else "gloo", timeout=timedelta(minutes=60))
    try:
        yield World(rank, size, place, autocast_type(precision, place))
    finally:
        if mine:
            dist.destroy_process_group()
