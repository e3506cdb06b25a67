"""Samples in order: which records step ``k`` reads on this rank, read ahead of time by one thread.

The order of epoch ``e`` is a permutation of (seed, e); the global batch is cut into one contiguous slice per rank. So
step ``k`` is a pure function of (seed, k, world) and a resumed run needs no state of the loader.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vesalius import random
from vesalius.data.pixels import Pixels
from vesalius.data.volumes.ground import Ground
from vesalius.errors import UserError
from vesalius.training.world import World
from vesalius.views.batch import Batch, Draws
from vesalius.views.drawing import drawn


@runtime_checkable
class Store(Protocol):
    """What the loop needs of a PixelStore."""

    @property
    def extents(self) -> NDArray[np.int64]:
        """(N, dims) stored size of each record."""

    @property
    def ids(self) -> NDArray[np.uint64]:
        """(N,) sample ids."""

    def read(self, rows: NDArray[np.int64], windows: NDArray[np.int64], out: Pixels | None = None) -> Pixels:
        """Windows (B, R, 2, dims) of records (B, R)."""


@runtime_checkable
class ViewsLike(Protocol):
    """What the loop needs of Views."""

    def draw(
        self,
        seed: int,
        epoch: int,
        rows: NDArray[np.int64],
        ids: NDArray[np.uint64],
        extents: NDArray[np.int64],
        draw: NDArray[np.int64] | int = 0,
        *,
        ground: Ground | None = None,
    ) -> Draws:
        """Every random number of a batch of records ``rows`` (B,), samples ``ids`` (B,) of ``extents`` (B, d).

        ``ground``: where there is something to see, of volumes.
        """

    def apply(self, pixels: Pixels, draws: Draws) -> Batch:
        """Stored pixels to named groups of views."""


@dataclass(frozen=True)
class Read:
    """One micro-batch of this rank: pixels on the host, numbers drawn, ids as int64."""

    pixels: Pixels
    draws: Draws
    ids: Tensor


class Feed:
    """Batches of ``rows`` of ``store``. ``batch_size`` is per process and micro-batch.

    ``draws_per_sample`` windows of one record count as samples. ``drop_last`` leaves out an epoch's last batch when it
    is short; a batch smaller than the number of ranks is left out in any case. Raises UserError when no batch is left.
    """

    def __init__(
        self,
        store: Store,
        rows: NDArray[np.int64],
        views: ViewsLike,
        world: World,
        *,
        seed: int,
        batch_size: int,
        accumulate: int = 1,
        draws_per_sample: int = 1,
        drop_last: bool = True,
        batches_per_epoch: int | None = None,
    ) -> None:
        self.store, self.rows, self.views, self.world, self.seed = store, rows, views, world, seed
        self.accumulate, self.draws_per_sample = accumulate, draws_per_sample
        self.ids = store.ids
        self.samples = len(rows) * draws_per_sample
        self.global_batch = batch_size * accumulate * world.size
        whole, rest = divmod(self.samples, self.global_batch)
        self.steps_per_epoch = whole + int(not drop_last and rest >= max(2, world.size))
        if self.steps_per_epoch == 0:
            raise UserError(
                f"One step takes {self.global_batch} samples ({batch_size} per process, {world.size} process(es), "
                f"{accumulate} accumulated), but the training data holds {self.samples}. "
                f"Lower --batch_size to {max(2, self.samples // (accumulate * world.size))} or less, or add images."
            )
        self._epoch_order: tuple[int, NDArray[np.int64]] | None = None
        if batches_per_epoch:
            self.steps_per_epoch = min(self.steps_per_epoch, batches_per_epoch)

    def order(self, step: int) -> NDArray[np.int64]:
        """``(batch,)``: the global batch of ``step`` as sample numbers."""
        epoch, k = divmod(step, self.steps_per_epoch)
        held = self._epoch_order
        if held is None or held[0] != epoch:
            held = self._epoch_order = (epoch, random.permutation(self.seed, epoch, self.samples))
        start = k * self.global_batch
        return held[1][start : start + self.global_batch]

    def at(self, step: int) -> tuple[list[Read], int]:
        """This rank's micro-batches of ``step`` and the global number of samples."""
        whole = self.order(step)
        mine = np.array_split(whole, self.world.size)[self.world.rank]
        epoch = step // self.steps_per_epoch
        reads = []
        for part in np.array_split(mine, self.accumulate):
            rows, draw = self.rows[part // self.draws_per_sample], part % self.draws_per_sample
            ids = self.ids[rows]
            draws = drawn(self.views, self.store, rows, seed=self.seed, epoch=epoch, draw=draw)
            pixels = self.store.read(draws.rows, draws.windows)
            if self.world.device.type == "cuda":
                pixels = pixels.pin()
            reads.append(Read(pixels, draws, torch.from_numpy(ids.view(np.int64).copy())))
        return reads, len(whole)

    def stream(self, start: int, stop: int) -> Iterator[tuple[list[Read], int, float]]:
        """Steps ``start`` to ``stop`` with the seconds spent waiting for each; one thread reads two steps ahead."""
        ready: queue.Queue[tuple[list[Read], int] | BaseException] = queue.Queue(maxsize=2)
        ended = threading.Event()

        def work() -> None:
            try:
                for step in range(start, stop):
                    item = self.at(step)
                    while not ended.is_set():
                        try:
                            ready.put(item, timeout=0.2)
                            break
                        except queue.Full:
                            continue
                    if ended.is_set():
                        return
            except BaseException as error:
                ready.put(error)

        thread = threading.Thread(target=work, name="vesalius-feed", daemon=True)
        thread.start()
        try:
            for _ in range(start, stop):
                began = time.perf_counter()
                item = ready.get()
                if isinstance(item, BaseException):
                    raise item
                yield (*item, time.perf_counter() - began)
        finally:
            ended.set()
            thread.join(timeout=5)
