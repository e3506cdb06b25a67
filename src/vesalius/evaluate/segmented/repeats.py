"""A segmentation repeated: with other seeds, from random weights (the twin), with fewer training volumes. Each is a run of its own.

All share data, budget and, seed by seed, the order of patches; the table above them says what pretraining and labels are worth.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vesalius.evaluate.finetuned.over_seeds import summarise
from vesalius.evaluate.finetuned.repeating import Repeat, repeated
from vesalius.evaluate.segmented.scoring import KMEANS, MAJORITY, OWN, replicates, row
from vesalius.evaluate.segmented.verdict import sentences
from vesalius.recipes.segmentation.config import SegmentationConfig
from vesalius.runs import Run
from vesalius.terminal import Terminal

TWIN = "from random weights"
_SECTIONS = ("segmentations", "dice", "curves", "views", "checkpoints", "cost")


@dataclass(frozen=True)
class Part:
    """One of the runs: ``volumes`` learnt from (None: all there are), ``scratch``: from random weights."""

    volumes: int | None
    seed: int
    scratch: bool
    several: bool
    """Whether there are twins, so that the folder's name must say which this is."""

    @property
    def folder(self) -> str:
        """Its folder in the run's."""
        size = "" if self.volumes is None else f"{self.volumes}-volumes-"
        return f"{size}{('scratch-' if self.scratch else 'pretrained-') if self.several else ''}seed-{self.seed}"

    def changed(self, config: SegmentationConfig) -> dict[str, Any]:
        """The recipe of this run alone."""
        plain = {**config.model_dump(mode="json"), "seeds": [], "sizes": [], "twin": False, "seed": self.seed}
        if self.volumes is not None:
            plain["data"] = {**plain["data"], "limit": self.volumes}
        return {**plain, "encoder": {**plain["encoder"], "scratch": True}} if self.scratch else plain


def parts(config: SegmentationConfig) -> Iterator[Part]:
    """All of them; of each size and seed the twin last."""
    sizes: list[int | None] = [*sorted(config.sizes)] or [None]
    for size in sizes:
        for seed in config.seeds or [config.seed]:
            for scratch in (False, True) if config.twin else (False,):
                yield Part(size, seed, scratch, config.twin)


def repeat(config: SegmentationConfig, run: Run | None, out: str | Path | None, terminal: Terminal, *, quiet: bool) -> Path:
    """Train each part, going on where that was interrupted; returns the run's folder."""
    wanted = list(parts(config))
    runs = [Repeat(part.folder, part.folder, part.changed(config)) for part in wanted]
    return repeated(config, runs, "repeated", lambda run: _write(config, run, wanted), run, out, terminal, quiet=quiet)


def _write(config: SegmentationConfig, run: Run, wanted: Sequence[Part]) -> None:
    found = {part: json.loads((run.path / part.folder / "results.json").read_text()) for part in wanted}
    one = found[wanted[-2 if config.twin else -1]]
    rows = [made for size in dict.fromkeys(part.volumes for part in wanted) for made in _of_size(config, size, found)]
    gains = [g for size in dict.fromkeys(part.volumes for part in wanted) if (g := _gain(config, size, found)) is not None]
    scores = _scores(config, wanted[-1].volumes, found)
    largest = gains[-1:] if config.twin else []
    results = {
        "kind": "finetune",
        "title": f"{one['title']}, {len(wanted)} runs",
        "frozen": one["frozen"],
        "data": one["data"],
        "rule": one["rule"],
        "seeds": list(config.seeds or [config.seed]),
        "scores": scores,
        "differences": [{"a": OWN, "b": TWIN, "metric": "dice", **{k: g[k] for k in ("value", "low", "high", "n", "unit", "split")}} for g in largest],
        "repeated": {"runs": [part.folder for part in wanted], "rows": rows, "gains": gains, "split": one["segmentation"]["split"]},
        "warnings": list(dict.fromkeys(text for results in found.values() for text in results["warnings"])),
        "absent": dict.fromkeys(_SECTIONS, f"This run repeats another; each has a report of its own: {', '.join(part.folder for part in wanted)}."),
    }
    run.write_json("results.json", {**results, "verdict": sentences(rows, gains, len(config.seeds or [config.seed]))})
    run.finish("done")
    from vesalius.report import build

    build([run.path])


def _scores(config: SegmentationConfig, size: int | None, found: Mapping[Part, Any]) -> list[dict[str, Any]]:
    """Of the largest size, over seeds: the pretrained, its twin, and what needs no network."""
    rows = []
    for scratch in (False, True) if config.twin else (False,):
        own = [results["scores"] for part, results in found.items() if part.volumes == size and part.scratch == scratch]
        named = [[{**r, "model": TWIN if scratch and r["model"] == OWN else r["model"]} for r in scores] for scores in own]
        rows += [r for r in summarise(named) if not scratch or r["model"] == TWIN]
    return rows


def _of_size(config: SegmentationConfig, size: int | None, found: Mapping[Part, Any]) -> Iterator[dict[str, Any]]:
    """Rows of the table: mean over seeds of Dice, its deviation, and its interval over subjects of the seeds' mean."""
    for model in (OWN, *((TWIN,) if config.twin else ()), KMEANS, MAJORITY):
        chosen = [results for part, results in found.items() if part.volumes == size and part.scratch == (model == TWIN)]
        name = OWN if model == TWIN else model
        values = [next(r["value"] for r in results["scores"] if r["model"] == name and r["metric"] == "dice") for results in chosen]
        known = [v for v in values if v is not None]
        cost = [results["data"]["labelled"]["counts"]["train"]["images"] for results in chosen]
        yield {
            "volumes": cost[0],
            "model": model,
            "value": statistics.fmean(known) if known else None,
            "spread": statistics.stdev(known) if len(known) > 1 else None,
            "least": min(known, default=None),
            "greatest": max(known, default=None),
            "values": values,
        }


def _gain(config: SegmentationConfig, size: int | None, found: Mapping[Part, Any]) -> dict[str, Any] | None:
    """What pretraining adds at one size: mean over seeds, its interval over subjects, and the relative improvement."""
    if not config.twin:
        return None
    own, twin = (
        [results for part, results in found.items() if part.volumes == size and part.scratch == scratch] for scratch in (False, True)
    )
    cases = own[0]["segmentation"]["cases"]
    subject = np.array([case["subject"] for case in cases], np.int64)
    a, b = _by_case(own), _by_case(twin)
    value = float(np.nanmean(a) - np.nanmean(b))
    drawn = replicates({"a": a, "b": b}, subject, config.seed)
    each = [float(np.nanmean(_by_case([x])) - np.nanmean(_by_case([y]))) for x, y in zip(own, twin, strict=True)]
    shown = {k: own[0]["scores"][0][k] for k in ("n", "unit", "split")}
    volumes = own[0]["data"]["labelled"]["counts"]["train"]["images"]
    base = float(np.nanmean(b))
    return {
        "volumes": volumes,
        **row("dice", value, drawn["a"] - drawn["b"]),
        "values": each,
        "spread": statistics.stdev(each) if len(each) > 1 else None,
        "relative": value / base if base else None,
        **shown,
    }


def _by_case(results: Sequence[Mapping[str, Any]]) -> NDArray[np.float64]:
    """``(cases,)`` each case's Dice, the mean over ``results``; NaN where it has none."""
    each = [[np.nan if case["dice"] is None else case["dice"] for case in one["segmentation"]["cases"]] for one in results]
    return np.asarray(np.mean(np.array(each, np.float64), axis=0), np.float64)
