"""The verdict: did it learn, against which baseline, what to do next; and the numbers to quote."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from vesalius.report import answers, overview, scores
from vesalius.report.cost import seconds
from vesalius.report.judged import gains, headline, model
from vesalius.report.probes import same
from vesalius.report.reading import RunRecord
from vesalius.report.section import Block, Section, by_run
from vesalius.report.selections import glance as of_selection
from vesalius.report.values import mapping, number, text, texts
from vesalius.report.wording import (
    MINUS,
    PERCENT,
    count,
    difference,
    duration,
    figure,
    interval,
    is_error,
    score,
    title,
    unit_of_difference,
)

_SEEDS = 3  # from which on a difference between repeated runs is called one, as their verdict says


def section(runs: Sequence[RunRecord]) -> Section:
    """The sentences and key numbers of each run."""
    return by_run("verdict", "Verdict", [_block(run) for run in runs])


def _block(run: RunRecord) -> Block:
    sentences = texts(run.results.get("verdict")) or answers.sentences(run)
    glance = overview.parts(run) or of_selection.parts(run)
    sentences = [*glance.get("sentences", ()), *sentences]
    further: list[str] = []
    if not sentences and not glance:
        return Block(
            run, reason=run.reason("verdict", "results.json holds no verdict: the run was not examined to its end.")
        )
    sentences = [re.sub(r"(?<=[\s(])-(?=\d)", MINUS, re.sub(r"(?<=\d) %", PERCENT, said)) for said in sentences]
    parts = {"numbers": _numbers(run), "state": _state(run), "overview": {}, **glance}
    if "quoted" in glance:
        sentences, further = _foremost(sentences, len(glance["sentences"]), glance["quoted"])
    return Block(run, parts={**parts, "sentences": sentences, "further": further})


def _foremost(sentences: Sequence[str], own: int, quoted: str) -> tuple[list[str], list[str]]:
    """Of an evaluation's sentences the first ``own`` and those on what is ``quoted``, and the others: many protocols say many."""
    first = next((at for at in range(own, len(sentences)) if sentences[at].startswith(quoted)), len(sentences))
    last = next((at for at in range(first + 1, len(sentences)) if re.match(r"\S+ on .+: ", sentences[at])), len(sentences))
    if first == len(sentences):
        first, last = own, own + (own == 0)
    return [*sentences[:own], *sentences[first:last]], [*sentences[own:first], *sentences[last:]]


def _numbers(run: RunRecord) -> list[Mapping[str, Any]]:
    """At most five figures, the score first."""
    found: list[Mapping[str, Any]] = []
    head = headline(run)
    if head is not None:
        metric = text(head.get("metric"))
        found.append(
            {
                "value": score(number(head.get("value")), metric),
                "name": f"{title(metric)}, {model(head)}",
                "more": _reach(head, metric),
                "lead": True,
            }
        )
        for row in gains(run, head)[:2]:
            found.append(
                {
                    "value": difference(number(row.get("value")), metric),
                    "name": " ".join(filter(None, [unit_of_difference(metric), f"over {text(row.get('b'))}"])),
                    "more": f"95 %: {interval(number(row.get('low')), number(row.get('high')), metric, signed=True)}",
                }
            )
    found += _beside(run, head) if head is not None else []
    rank = _last(run, "rankme")
    if rank is not None:
        dim = number(run.card.get("dim"))
        found.append({"value": figure(rank), "name": "RankMe", "more": f"of {count(dim)} dimensions" if dim else ""})
    after = mapping(run.block("calibration").get("after"))
    if number(after.get("ece")) is not None:
        found.append({"value": score(number(after.get("ece")), "accuracy"), "name": "calibration error", "more": "after temperature scaling"})
    cost = run.block("cost")
    if seconds(run) is not None:
        found.append({"value": duration(seconds(run)), "name": "in all", "more": text(cost.get("device"))})
    if number(cost.get("images_per_second")):
        rate = number(cost.get("images_per_second")) or 0.0
        found.append({"value": count(rate) if rate >= 10 else figure(rate), "name": f"{run.samples} per second", "more": ""})
    return found[:5]


def _reach(head: Mapping[str, Any], metric: str) -> str:
    """The interval of the score; of a repeated run its deviation and range."""
    reach = interval(number(head.get("low")), number(head.get("high")), metric)
    spread = number(head.get("spread"))
    if spread is None:
        return f"95 %: {reach}"
    n = number(head.get("n"))
    return "one seed" if n == 1 else f"± {score(spread, metric)} over {count(n)} seeds: {reach}"


def _beside(run: RunRecord, head: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Of a repeated run the means of the models beside its own."""
    metric = text(head.get("metric"))
    others = [row for row in scores.rows(run) if same(row, head, "metric", "split") and not same(row, head, "model")]
    return [
        {"value": score(number(row.get("value")), metric), "name": text(row.get("model")), "more": _reach(row, metric)}
        for row in others
        if number(row.get("spread")) is not None
    ]


def _state(run: RunRecord) -> Mapping[str, str]:
    """One word on whether it learned, by the interval of the difference from the first baseline."""
    head = headline(run)
    found = gains(run, head) if head is not None else []
    if not found:
        return {}
    low, high, against = number(found[0].get("low")), number(found[0].get("high")), text(found[0].get("b"))
    if low is None or high is None:
        return {}
    n = number(head.get("n")) if head is not None and head.get("unit") == "seeds" else None
    if n is not None and n < _SEEDS:
        said = "One seed tells" if n == 1 else f"{n:.0f} seeds tell"
        return {"kind": "open", "mark": "○", "text": f"{said} nothing of {against}"}
    if is_error(text(found[0].get("metric"))):
        low, high = -high, -low
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
