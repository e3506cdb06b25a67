"""The contract of a self-supervised (or supervised) method: one forward, pure losses, state in modules and buffers."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from torch import Tensor, nn

from vesalius.encoders.encoder import Encoder
from vesalius.views.batch import Batch


@dataclass(frozen=True)
class Progress:
    """Where the run stands before the step being taken: schedules are functions of it, never state."""

    step: int
    steps: int
    epoch: int
    epochs: float
    steps_per_epoch: int

    @property
    def done(self) -> float:
        """Share of the run's steps already taken, in [0, 1)."""
        return self.step / max(1, self.steps)

    def cosine(self, start: float, end: float) -> float:
        """From ``start`` at the first step to ``end`` after the last, along half a cosine."""
        return end + (start - end) * (1 + math.cos(math.pi * self.done)) / 2


@dataclass(frozen=True)
class Group:
    """Parameters that share a learning-rate factor (a function of progress) and whether they decay."""

    params: list[nn.Parameter]
    lr: Callable[[Progress], float] = lambda at: 1.0
    decay: bool = True
    name: str = ""


@dataclass(frozen=True)
class Output:
    """``parts``: terms of the loss, (B,) per local sample (the loop takes the global mean) or () made from gathered
    tensors; they are summed. ``carry``: detached tensors for ``after_step``. ``scalars``: detached, for the log only.
    """

    parts: Mapping[str, Tensor]
    carry: Mapping[str, Tensor] = field(default_factory=dict)
    scalars: Mapping[str, Tensor] = field(default_factory=dict)
    finite: Tensor | None = None
    """() bool on the device, set by the loop for ``after_step``: False where the step was not taken."""


def groups_by_shape(parameters: Iterable[nn.Parameter]) -> list[Group]:
    """Weight decay by the parameter's shape: matrices and kernels decay, biases and norms (ndim <= 1) do not."""
    trainable = [p for p in parameters if p.requires_grad]
    decayed, plain = [p for p in trainable if p.ndim > 1], [p for p in trainable if p.ndim <= 1]
    return [Group(decayed, name="decay"), Group(plain, decay=False, name="no-decay")]


@dataclass(frozen=True)
class Reconstruction:
    """What a method that paints made of a batch: pictures (B, C, *size), in the units of ``target``.

    ``seen`` (V, B, C, *size): what it painted from. ``changed`` (B, 1, *size): voxels of ``seen[0]`` that were hidden or
    damaged. ``mean``: the answer of who knows no more than a mean, as wide as ``target`` or to be broadcast.
    """

    target: Tensor
    seen: Tensor
    made: Tensor
    changed: Tensor
    mean: Tensor


class Method(nn.Module):
    """Base of every method. Heads, teacher, queue and centre are modules and buffers: ``state_dict`` is all its state.

    A method knows nothing of devices, loaders, files or logging.
    """

    needs: ClassVar[Mapping[str, int]] = {"global": 2}
    """Views by name and least count, checked against ``Views.makes`` before any pixel is read."""
    independent: bool = False
    """Whether no part of the loss looks at other samples: gradient accumulation is then exact."""
    may_collapse: ClassVar[bool] = True
    """Whether the loss pulls vectors together, so that one and the same for all images could be its answer."""

    @abstractmethod
    def forward(self, batch: Batch, at: Progress) -> Output:
        """The one forward, which DDP wraps whole."""

    def groups(self) -> list[Group]:
        """Parameter groups; by default decay goes by shape."""
        return groups_by_shape(self.parameters())

    def after_step(self, out: Output, at: Progress) -> None:
        """Move the teacher, queue or centre; called only after a step that was finite."""

    @abstractmethod
    def exports(self) -> Mapping[str, Encoder]:
        """Encoders worth keeping; the first is the default."""

    def project(self, pooled: Tensor) -> Tensor | None:
        """``(B, D)`` pooled features of the default encoder through its projector, or None where there is none."""
        return None

    def reconstruct(self, batch: Batch) -> Reconstruction | None:
        """What it paints of ``batch``, or None where it paints nothing."""
        return None
