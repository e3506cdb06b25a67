"""The verdict: did it learn, against which baseline, what to do next; and the numbers to quote."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from vesalius.report.probes import OWN, headline, same
from vesalius.report.reading import RunRecord
from vesalius.report.section import Block, Section, by_run
from vesalius.report.values import number, text, texts
from vesalius.report.wording import (
    MINUS,
    PERCENT,
    count,
    difference,
    duration,
    figure,
    interval,
    probe,
    score,
    title,
    unit_of_difference,
)

_BASELINES = ("starting weights", "random init", "pixel PCA", "mean and deviation", "majority")


def section(runs: Sequence[RunRecord]) -> Section:
    """The sentences and key numbers of each run."""
    return by_run("verdict", "Verdict", [_block(run) for run in runs])


def _block(run: RunRecord) -> Block:
    sentences = texts(run.results.get("verdict"))
    if not sentences:
        return Block(
            run, reason=run.reason("verdict", "results.json holds no verdict: the run was not examined to its end.")
        )
    sentences = [re.sub(r"(?<=[\s(])-(?=\d)", MINUS, re.sub(r"(?<=\d) %", PERCENT, said)) for said in sentences]
    return Block(run, parts={"sentences": sentences, "numbers": _numbers(run), "state": _state(run)})


def _numbers(run: RunRecord) -> list[Mapping[str, Any]]:
    """At most five figures, the score first."""
    found: list[Mapping[str, Any]] = []
    head = headline(run)
    if head is not None:
        metric = text(head.get("metric"))
        found.append(
            {
                "value": score(number(head.get("value")), metric),
                "name": f"{title(metric)}, {probe(text(head.get('probe')))}",
                "more": f"95 %: {interval(number(head.get('low')), number(head.get('high')), metric)}",
                "lead": True,
            }
        )
        for row in _gains(run, head)[:2]:
            found.append(
                {
                    "value": difference(number(row.get("value")), metric),
                    "name": " ".join(filter(None, [unit_of_difference(metric), f"over {text(row.get('b'))}"])),
                    "more": f"95 %: {interval(number(row.get('low')), number(row.get('high')), metric, signed=True)}",
                }
            )
    rank = _last(run, "rankme")
    if rank is not None:
        dim = number(run.card.get("dim"))
        found.append({"value": figure(rank), "name": "RankMe", "more": f"of {count(dim)} dimensions" if dim else ""})
    cost = run.block("cost")
    if number(cost.get("seconds")) is not None:
        found.append(
            {"value": duration(number(cost.get("seconds"))), "name": "in all", "more": text(cost.get("device"))}
        )
    if number(cost.get("images_per_second")) is not None:
        found.append({"value": count(number(cost.get("images_per_second"))), "name": "images per second", "more": ""})
    return found[:5]


def _gains(run: RunRecord, head: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Differences from baselines in the headline's probe and metric, in the order a reader asks for them."""
    rows = [
        row
        for row in run.rows("differences")
        if text(row.get("a")) == OWN and same(row, head, "metric", "probe") and number(row.get("value")) is not None
    ]
    return sorted(
        rows, key=lambda row: _BASELINES.index(b) if (b := text(row.get("b"))) in _BASELINES else len(_BASELINES)
    )


def _state(run: RunRecord) -> Mapping[str, str]:
    """One word on whether it learned, by the interval of the difference from the first baseline."""
    head = headline(run)
    gains = _gains(run, head) if head is not None else []
    if not gains:
        return {}
    low, high, against = number(gains[0].get("low")), number(gains[0].get("high")), text(gains[0].get("b"))
    if low is None or high is None:
        return {}
    if low > 0:
        return {"kind": "good", "mark": "▲", "text": f"Better than {against}"}
    if high < 0:
        return {"kind": "bad", "mark": "▼", "text": f"Worse than {against}"}
    return {"kind": "open", "mark": "○", "text": f"Not told apart from {against}"}


def _last(run: RunRecord, metric: str) -> float | None:
    """The last value of the first monitor that measures ``metric``."""
    for row in reversed(run.metrics):
        for key, raw in row.items():
            value = number(raw)
            if isinstance(key, str) and key.startswith("monitor/") and key.endswith(f"/{metric}") and value is not None:
                return value
    return None
