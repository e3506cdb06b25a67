"""A fine-tuning that is several: each part is a run of its own inside the run's folder, and goes on where it was interrupted."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vesalius.errors import Preempted
from vesalius.recipes.finetune_config import FinetuneConfig
from vesalius.recipes.segmentation.config import SegmentationConfig
from vesalius.recipes.tracking import entries
from vesalius.runs import Run
from vesalius.runs.tracking import tracked
from vesalius.terminal import Terminal

Config = FinetuneConfig | SegmentationConfig


@dataclass(frozen=True)
class Repeat:
    """One of the runs: its folder in the whole's, what the terminal calls it, and its recipe."""

    folder: str
    said: str
    recipe: dict[str, Any]


def repeated(
    config: Config,
    wanted: Sequence[Repeat],
    word: str,
    write: Callable[[Run], None],
    run: Run | None,
    out: str | Path | None,
    terminal: Terminal,
    *,
    quiet: bool,
) -> Path:
    """Fine-tune each of ``wanted``, then ``write`` what stands above them; returns the whole's folder, named by ``word``."""
    first = int(os.environ.get("RANK", "0")) == 0
    run = run or _parent(config, word, out)
    with tracked(run, entries(config.tracking), first, terminal.say):
        for number, part in enumerate(wanted, 1):
            terminal.say(f"{part.said}, {number} of {len(wanted)}")
            _one(part, run, first, quiet=quiet)
        if first:
            write(run)
            for sentence in json.loads((run.path / "results.json").read_text())["verdict"]:
                terminal.say(sentence)
    return run.path


def _one(part: Repeat, run: Run, first: bool, *, quiet: bool) -> None:
    from vesalius.finetune import finetune

    folder = run.path / part.folder
    try:
        if (folder / "run.json").exists():
            finetune(resume=folder, quiet=quiet)
        else:
            finetune(part.recipe, out=folder, quiet=quiet)
    except BaseException as error:
        if first:
            run.note_end(error)
        if isinstance(error, Preempted):
            raise Preempted(str(error).replace(str(folder), str(run.path))) from error
        raise


def _parent(config: Config, word: str, out: str | Path | None) -> Run:
    from vesalius.training.world import world

    with world(config.device, config.precision) as here:
        if not here.first:
            return Run(Path(here.share(None)))
        kept = config.model_dump(mode="json")
        run = Run.create("finetune", config.name or word, kept, None if out is None else Path(out), origins=config.origins, world=here.size)
        here.share(str(run.path))
        return run
