"""A whole fine-tuning repeated with other seeds: each is a run of its own in ``seed-N``; mean and spread stand above them."""

from __future__ import annotations

import json
import os
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from vesalius.errors import Preempted
from vesalius.evaluate.finetuned_verdict import over_seeds
from vesalius.recipes.finetune_config import FinetuneConfig
from vesalius.recipes.tracking import entries
from vesalius.runs import Run
from vesalius.runs.tracking import tracked
from vesalius.terminal import Terminal


def repeat(config: FinetuneConfig, run: Run | None, out: str | Path | None, terminal: Terminal, *, quiet: bool) -> Path:
    """Fine-tune once for each of ``config.seeds``, going on where that was interrupted; returns the run's folder."""
    first = int(os.environ.get("RANK", "0")) == 0
    run = run or _parent(config, out)
    with tracked(run, entries(config.tracking), first, terminal.say):
        _each(config, run, terminal, first, quiet=quiet)
    return run.path


def _each(config: FinetuneConfig, run: Run, terminal: Terminal, first: bool, *, quiet: bool) -> None:
    from vesalius.finetune import finetune

    plain = {**config.model_dump(mode="json"), "seeds": []}
    for number, seed in enumerate(config.seeds, 1):
        terminal.say(f"Seed {seed}, {number} of {len(config.seeds)}")
        folder = run.path / f"seed-{seed}"
        try:
            if (folder / "run.json").exists():
                finetune(resume=folder, quiet=quiet)
            else:
                finetune({**plain, "seed": seed}, out=folder, quiet=quiet)
        except BaseException as error:
            if first:
                run.note_end(error)
            if isinstance(error, Preempted):
                raise Preempted(str(error).replace(str(folder), str(run.path))) from error
            raise
    if first:
        _write(config, run)
        for sentence in json.loads((run.path / "results.json").read_text())["verdict"]:
            terminal.say(sentence)


def _parent(config: FinetuneConfig, out: str | Path | None) -> Run:
    from vesalius.training.world import world

    with world(config.device, config.precision) as here:
        if not here.first:
            return Run(Path(here.share(None)))
        kept = config.model_dump(mode="json")
        run = Run.create("finetune", config.name or "seeds", kept, None if out is None else Path(out), origins=config.origins, world=here.size)
        here.share(str(run.path))
        return run


def _write(config: FinetuneConfig, run: Run) -> None:
    found = [json.loads((run.path / f"seed-{seed}" / "results.json").read_text()) for seed in config.seeds]
    one = found[0]
    scores = summarise([results["scores"] for results in found])
    metric = one["data"]["labelled"]["task"]["metric"]
    reason = f"This run repeats another with {len(found)} seeds; each has a report of its own: " + ", ".join(f"seed-{s}" for s in config.seeds)
    sections = ("probes", "label-efficiency", "neighbours", "map", "mistakes", "calibration", "confusion", "curves", "views", "checkpoints", "cost")
    run.write_json(
        "results.json",
        {
            "kind": "finetune",
            "title": f"{one['title']}, {len(found)} seeds",
            "frozen": one["frozen"],
            "verdict": over_seeds(scores, metric, len(found)),
            "data": one["data"],
            "seeds": list(config.seeds),
            "scores": scores,
            "warnings": list(dict.fromkeys(text for results in found for text in results["warnings"])),
            "absent": dict.fromkeys(sections, f"{reason}."),
        },
    )
    run.finish("done")
    from vesalius.report import build

    build([run.path])


def summarise(scores: Sequence[Sequence[Mapping[str, Any]]]) -> list[dict[str, Any]]:
    """``scores`` of several runs as one: ``value`` their mean, ``spread`` their standard deviation (over n - 1; 0 of one),
    ``low`` and ``high`` the least and the greatest, ``values`` each; None where one of them is not defined.
    """
    rows = []
    for same in zip(*scores, strict=True):
        values = [row["value"] for row in same]
        whole = [float(v) for v in values if v is not None]
        known = len(whole) == len(values)
        rows.append(
            {
                **{key: same[0][key] for key in ("model", "metric", "split")},
                "value": statistics.fmean(whole) if known else None,
                "spread": (statistics.stdev(whole) if len(whole) > 1 else 0.0) if known else None,
                "low": min(whole) if known else None,
                "high": max(whole) if known else None,
                "values": values,
                "n": len(values),
                "unit": "seeds",
            }
        )
    return rows
