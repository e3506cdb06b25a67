"""What ``vesalius evaluate`` hands to a protocol, and what a protocol gives back.

A protocol is a module of ``evaluate.protocols`` (or an entry point ``vesalius.protocols``) with three names: ``Config``, a
frozen pydantic model of its own fields; ``TAKES``, the words of what it examines (``run``: fine-tuned runs); and
``examine(config, asked) -> Examined``. What it computes it keeps by ``asked.cells``, so that a run goes on where it stopped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import torch

from vesalius.evaluate.cells import Cells
from vesalius.runs import Run
from vesalius.terminal import Terminal

Taken = Literal["run"]
"""What a protocol may examine."""


@dataclass(frozen=True)
class Asked:
    """What is examined and how: ``runs`` are references of fine-tuned runs as the user gave them."""

    runs: Sequence[str]
    run: Run
    cells: Cells
    device: torch.device
    autocast: torch.dtype | None
    seed: int
    batch_size: int
    terminal: Terminal

    @property
    def precision(self) -> str:
        """The precision in one word."""
        return "fp32" if self.autocast is None else str(self.autocast).removeprefix("torch.")


@dataclass(frozen=True)
class Examined:
    """``results``: the protocol's part of ``results.json``, under its name. ``rows``: its numbers, flat, for
    ``results.csv``: each has at least ``metric``, ``value``, ``low`` and ``high``. ``verdict``: what came out, in sentences.
    """

    results: Mapping[str, Any]
    rows: Sequence[Mapping[str, Any]]
    verdict: Sequence[str]
    warnings: Sequence[str] = ()
    absent: Mapping[str, str] = field(default_factory=dict)
