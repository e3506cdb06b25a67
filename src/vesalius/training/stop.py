"""A request to stop (SIGTERM or SIGUSR2 from a scheduler, Ctrl-C from a person), agreed by all ranks at a step boundary.

Where the host looks late (``World.late``), what was agreed on after a step is known after the next.
"""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any

import torch

from vesalius.data.to_device import to_device
from vesalius.training.arriving import Arriving
from vesalius.training.held import Held
from vesalius.training.world import World

SIGNALS = (signal.SIGTERM, signal.SIGINT, *([signal.SIGUSR2] if hasattr(signal, "SIGUSR2") else []))


class StopRequests:
    """A context in which the first signal asks to stop; a second Ctrl-C interrupts at once."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.asked = False
        self._agreed: Held[Arriving] = Held(world.late)
        self._before: dict[int, Any] = {}

    def __enter__(self) -> StopRequests:
        if threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                self._before[number] = signal.signal(number, self._hear)
        return self

    def __exit__(self, *exception: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _hear(self, number: int, frame: FrameType | None) -> None:
        if self.asked and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.asked = True

    def agreed(self) -> bool:
        """Whether any rank was asked to stop: the same answer on all of them. Called once after each step."""
        if self.world.size == 1:
            return self.asked
        flag = self.world.total(to_device(torch.tensor([float(self.asked)]), self.world.device))
        known = self._agreed.put(Arriving(flag))
        return known is not None and bool(known.read()[0] > 0)
