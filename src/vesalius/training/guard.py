"""A step whose gradient is not finite never happened: weights, optimizer, teacher and running statistics stay.

The norm of the reduced gradient is equal on all ranks, so they all stop. On a GPU the host looks one step late, when the
flag has long arrived (``Arriving``), so that no step waits; until then ``found_inf`` and ``Output.finite`` hold everything
still on the device.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from vesalius.errors import NonFinite
from vesalius.runs import Run
from vesalius.training import checkpoints
from vesalius.training.arriving import Arriving
from vesalius.training.held import Held
from vesalius.training.method import Method
from vesalius.training.optimizers import Stepper
from vesalius.training.world import World


@dataclass(frozen=True)
class Refused:
    """The step that was not taken, with the terms of its loss."""

    step: int
    parts: Mapping[str, Tensor]


class Guard:
    """Watches the gradients of ``method``. ``late`` looks at a step's flag when the next one has been queued."""

    def __init__(self, method: nn.Module, late: bool) -> None:
        self._norms = [m for m in method.modules() if isinstance(m, _BatchNorm)]
        self._held: Held[tuple[Refused, Arriving, list[Tensor]]] = Held(late)
        self._before: list[Tensor] = []

    def before_forward(self) -> None:
        """Copy what a forward pass changes."""
        self._before = [buffer.clone() for norm in self._norms for buffer in norm.buffers()]

    def judge(self, step: int, finite: Tensor, parts: Mapping[str, Tensor]) -> Refused | None:
        """Note ``finite`` () of ``step``; returns a refused step, this one or, when ``late``, the one before."""
        return self._judged(self._held.put((Refused(step, parts), Arriving(finite), self._before)))

    def settle(self) -> Refused | None:
        """Look at the flag that is still held: before a checkpoint, and at the end."""
        return self._judged(self._held.take())

    def _judged(self, taken: tuple[Refused, Arriving, list[Tensor]] | None) -> Refused | None:
        if taken is None or bool(taken[1].read()):
            return None
        buffers = (buffer for norm in self._norms for buffer in norm.buffers())
        for buffer, value in zip(buffers, taken[2], strict=True):
            buffer.copy_(value)
        return taken[0]


def refuse(
    folder: Path,
    refused: Refused,
    method: Method,
    stepper: Stepper,
    watched: Mapping[str, Tensor],
    record: dict[str, Any],
    world: World,
    run: Run,
) -> None:
    """End the run before the refused step: its checkpoint ``nonfinite`` replays it. Raises NonFinite."""
    stepper.optimizer.zero_grad(set_to_none=True)
    if world.first:
        checkpoints.save(folder, refused.step, method, stepper, watched, record, name="nonfinite")
    world.barrier()
    terms = ", ".join(f"{name} {float(value):.4g}" for name, value in refused.parts.items())
    raise NonFinite(
        f"Step {refused.step} gave a gradient that is not finite (loss terms of this rank: {terms}). The weights are those "
        f"before the step; {run.path.name}/checkpoints/nonfinite replays it. Lower --optimizer.lr, set --optimizer.clip 1.0, "
        "or use --precision fp32; if it happens at step 0, look at the data with `vesalius recipes show NAME --views DATA`."
    )
