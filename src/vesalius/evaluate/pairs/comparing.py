"""A protocol on every encoder and data set: each cell measured once, all cells judged alike, differences paired."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from pydantic import BaseModel

from vesalius.errors import UserError
from vesalius.evaluate.asked import Asked, Examined
from vesalius.evaluate.judged import standing
from vesalius.evaluate.judged.judging import Judged, judged
from vesalius.evaluate.pairs.measured import Measured
from vesalius.evaluate.pairs.pair import Pair

Measure = Callable[[Any, Pair], Measured]
"""A protocol's own part: its ``Config`` and a pair, to what it found."""
_MOST_NAMED = 6
BASELINES = ("random init", "pixel PCA")


def compared(
    protocol: str,
    config: BaseModel,
    asked: Asked,
    measure: Measure,
    *,
    rule: str,
    baselines: Sequence[str] = BASELINES,
    labels: bool = True,
    pictures: bool = False,
) -> Examined:
    """``measure`` on every pair that was asked for and on the ``baselines`` (a random twin of each architecture, the pixels); of
    ``pictures``, on the few images of each that are looked at.

    A pair that cannot be measured is told with its reason, the others go on; where none can be, that reason is raised.
    ``rule``: one paragraph for the report on what is fitted, chosen and scored where. ``labels``: whether the protocol needs any.
    """
    pairs = asked.pictures(baselines) if pictures else asked.pairs(baselines)
    cells, absent = judged_cells(protocol, config, asked, measure, pairs, labels=labels and not pictures)
    results, rows, verdict = standing.of(protocol, cells, asked)
    return Examined({**results, "takes": "pairs", "absent": absent, "rule": rule}, rows, verdict, [cell["reason"] for cell in absent])


def judged_cells(
    protocol: str, config: BaseModel, asked: Asked, measure: Measure, pairs: Iterable[Pair], *, labels: bool = True
) -> tuple[dict[tuple[str, str], Judged], list[dict[str, str]]]:
    """``measure`` on ``pairs``: (encoder, data set) -> what was found; and what could not be measured, with its reason.

    Raises the first reason where no encoder that was asked for could be.
    """
    cells: dict[tuple[str, str], Judged] = {}
    absent: list[dict[str, str]] = []
    reasons: list[UserError] = []
    every = list(pairs)
    taken: list[str] = []
    with asked.terminal.bar(protocol, "cells") as progress:
        for number, pair in enumerate(every):
            progress(number, len(every), note=f"{pair.encoder.name} on {pair.dataset}", earlier=len(taken))
            before = asked.cells.computed
            try:
                found = asked.cells.measured(
                    f"{protocol}/{pair.encoder.name}/{pair.dataset}",
                    f"{pair.key if labels else pair.key_of_images} {asked.seed} {config.model_dump_json()}",
                    lambda pair=pair: measure(config, pair),  # type: ignore[misc]
                )
                cells[pair.encoder.name, pair.dataset] = judged(found, pair)
                if asked.cells.computed == before:
                    taken.append(f"{pair.encoder.name} on {pair.dataset}")
            except UserError as error:
                absent.append({"encoder": pair.encoder.name, "data": pair.dataset, "reason": str(error)})
                reasons.append(error)
        progress(len(every), len(every), earlier=len(taken))
    if taken:
        more = f" and {len(taken) - _MOST_NAMED} more" if len(taken) > _MOST_NAMED else ""
        asked.terminal.say(f"{protocol}: {len(taken)} of {len(every)} cells were there already ({', '.join(taken[:_MOST_NAMED])}{more}).")
    if not any(not asked.examinee(name).baseline for name, _ in cells):
        raise reasons[0]
    return cells, absent
