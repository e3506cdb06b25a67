"""What ``vesalius evaluate`` hands to a protocol, and what a protocol gives back.

A protocol is a module of ``evaluate.protocols`` (or an entry point ``vesalius.protocols``) with three names: ``Config``, a
frozen pydantic model of its own fields; ``TAKES``, the words of what it examines (``run``: fine-tuned runs; ``pairs``: each
encoder on each data set; ``pictures``: each encoder on a few images, those of ``--images`` or draws from the data); and
``examine(config, asked) -> Examined``, which of a protocol of pairs or pictures is ``comparing.compared``.
One that reads feature maps says ``READS_MAPS = True``; one that looks at what others make names them in ``AFTER`` and runs behind them; one that
needs more than encoders and data looks for it in ``require(config, evaluation, terminal)``, before anything is computed. What it
computes it keeps by ``asked.cells``, so that a run goes on where it stopped.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import torch

from vesalius.evaluate.cells import Cells
from vesalius.features.one_pass import precision_of
from vesalius.runs import Run
from vesalius.terminal import Terminal

if TYPE_CHECKING:
    from vesalius.evaluate.pairs.examinee import Examinee
    from vesalius.evaluate.pairs.pair import Pair
    from vesalius.evaluate.pairs.panel import Panel

Taken = Literal["run", "pairs", "pictures"]
"""What a protocol may examine."""


@dataclass(frozen=True)
class Asked:
    """What is examined and how: ``runs`` are references of fine-tuned runs as the user gave them; ``panel``: the encoders and data sets,
    where there are any. ``replicates``: of every bootstrap. ``half``: whether the feature cache has 16 bits. ``subgroups``: columns whose
    groups are scored apart. ``maps``: whether a protocol of this evaluation reads feature maps. ``compat``: ``none``, or whose ways are to be reproduced.
    """

    runs: Sequence[str]
    run: Run
    cells: Cells
    device: torch.device
    autocast: torch.dtype | None
    seed: int
    batch_size: int
    terminal: Terminal
    replicates: int = 2000
    compat: str = "none"
    half: bool = False
    subgroups: Sequence[str] = ()
    panel: Panel | None = None
    maps: bool = False

    def pairs(self, baselines: Sequence[str] = ()) -> Iterator[Pair]:
        """Each encoder that was asked for, then each of ``baselines``, on each data set; see ``panel``."""
        assert self.panel is not None
        return self.panel.pairs(self, baselines)

    def examinee(self, name: str) -> Examinee:
        """The encoder or baseline of that name."""
        assert self.panel is not None
        return self.panel.examinees[name]

    def pictures(self, baselines: Sequence[str] = ()) -> Iterator[Pair]:
        """The same of the few images that are looked at: what there is of each is its ``split("images")``, in the order of their ids."""
        assert self.panel is not None
        return self.panel.pairs(self, baselines, pictures=True)

    @property
    def precision(self) -> str:
        """The precision in one word."""
        return precision_of(self.autocast)


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
