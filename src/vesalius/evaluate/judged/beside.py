"""What stands beside every table of an evaluation: controls, leaks, ranks over data sets, correlations between protocols."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from vesalius.data.table import SampleTable
from vesalius.errors import UserError
from vesalius.evaluate.asked import Asked, Examined
from vesalius.evaluate.judged import controls, leaks, over_data
from vesalius.evaluate.pairs.panel import Panel
from vesalius.measures import bootstrap

FEWEST = 10
"""Subjects of a test part below which it is said that its intervals say little."""


def of(panel: Panel, asked: Asked, found: Mapping[str, Examined]) -> dict[str, Any]:
    """``controls``, ``leakage``, ``ranks`` and ``correlations`` of the results, and ``warnings`` for people."""
    parts = {name: examined.results for name, examined in found.items() if examined.results.get("takes") == "pairs"}
    baselines = [name for name, one in panel.examinees.items() if one.baseline]
    published = {name: one.facts().get("imagenet_top1") for name, one in panel.examinees.items() if not one.baseline}
    rows: list[dict[str, Any]] = []
    leakage: list[dict[str, Any]] = []
    warnings: list[str] = []
    for name, table in panel.tables.items():
        try:
            learnt = table.task is not None and len(table.rows("train")) > 0  # else nothing is fitted, and nothing controlled
            rows += controls.of(panel.pair(panel.encoders[0], name, asked)) if learnt else []
        except UserError as error:  # as a part without a label: what the protocols say of it too
            warnings.append(f"There are no controls of {name}. {error}")
        warnings += _few(name, table)
        seen, said = _leakage(panel, name, rows)
        leakage.append(seen)
        warnings += said
    return {
        "controls": rows,
        "leakage": leakage,
        "ranks": over_data.ranks(parts, baselines),
        "correlations": over_data.correlations(parts, baselines, asked.seed, published),
        "warnings": warnings,
    }


def _few(name: str, table: SampleTable) -> list[str]:
    """A sentence where so few people are tested on that no interval can be trusted: of a handful that are all answered right it has no width."""
    rows = table.rows("test")
    if table.task is None or not len(rows) or len(rows) == len(table):  # nothing is scored, or nothing divided
        return []
    people = len(rows) if table.subjects is None else len(np.unique(bootstrap.groups(table.subjects, len(table))[rows]))
    what = "images" if table.subjects is None else "subjects"
    return [f"The test part of {name} has {people} {what}: intervals of so few say little, however narrow they are."] if people < FEWEST else []


def _leakage(panel: Panel, name: str, rows: list[dict[str, Any]]) -> tuple[dict[str, Any], list[str]]:
    """What leaks, with what the lookup without images reaches by the data's own measure; and what of it is a warning."""
    data = panel.data(name, panel.encoders[0])
    found = leaks.of_data(data)
    if len(panel.tables) > 1:
        found["also_in"] = leaks.across({one: panel.data(one, panel.encoders[0]) for one in panel.tables}, name)
    own = leaks.sentences(found, name)
    trained = leaks.pretrained_on(data.table, name, data.public, [one.facts() for one in panel.encoders])
    metric = data.table.task.metric if data.table.task is not None else ""
    lookup = {row["control"]: row["value"] for row in rows if row["data"] == name and row["metric"] == metric}
    if "lookup" in lookup:
        found |= {"lookup": {"metric": metric, "value": lookup["lookup"], "majority": lookup["majority"]}}
    return {"data": name, **found, "sentences": [*own, *trained]}, [*(own if leaks.found_any(found) else []), *trained]
