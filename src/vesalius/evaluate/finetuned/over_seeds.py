"""A whole fine-tuning repeated with other seeds: each is a run of its own in ``seed-N``; mean and spread stand above them."""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from vesalius.evaluate.finetuned.repeating import Repeat, repeated
from vesalius.evaluate.finetuned.verdict import over_seeds
from vesalius.recipes.finetune_config import FinetuneConfig
from vesalius.runs import Run
from vesalius.terminal import Terminal


def repeat(config: FinetuneConfig, run: Run | None, out: str | Path | None, terminal: Terminal, *, quiet: bool) -> Path:
    """Fine-tune once for each of ``config.seeds``, going on where that was interrupted; returns the run's folder."""
    plain = {**config.model_dump(mode="json"), "seeds": []}
    wanted = [Repeat(f"seed-{seed}", f"Seed {seed}", {**plain, "seed": seed}) for seed in config.seeds]
    return repeated(config, wanted, "seeds", lambda run: _write(config, run), run, out, terminal, quiet=quiet)


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
