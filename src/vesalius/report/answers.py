"""What a model said of new images: how many of each class, how sure it was, or how the quantities are distributed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from vesalius.report.reading import RunRecord
from vesalius.report.section import Block, Section, by_run
from vesalius.report.values import mapping, number, records, text
from vesalius.report.wording import count, figure, share

_MOST_CLASSES = 60


def section(runs: Sequence[RunRecord]) -> Section:
    """Counts and a histogram for each run."""
    return by_run("answers", "Predictions", [_block(run) for run in runs])


def _block(run: RunRecord) -> Block:
    found = run.block("distribution")
    kind = text(run.task.get("kind"))
    rows, bars = _rows(found), _histogram(mapping(found.get("histogram")))
    if not rows and not bars:
        return Block(run, reason=run.reason("answers", "The run did not note how its predictions are distributed."))
    sure = text(found.get("of")) == "highest probability"
    return Block(
        run,
        parts={
            "heads": ["Label", "Mean probability", "Above one half"] if kind == "multilabel" else ["Predicted", "Images", "Share"],
            "rows": rows[:_MOST_CLASSES],
            "hidden": len(rows) - _MOST_CLASSES if len(rows) > _MOST_CLASSES else 0,
            "bars": bars,
            "title": "Highest probability" if sure else "Predicted quantity",
            "says": "how sure the model is of the class it names, after temperature scaling" if sure else "images by predicted quantity",
            "facts": _facts(run),
        },
    )


def sentences(run: RunRecord) -> list[str]:
    """What there is to say of a prediction in words."""
    images, lost = number(run.results.get("rows")), number(run.results.get("left_out"))
    if images is None:
        return []
    found = run.block("distribution")
    source = text(run.results.get("data"))
    said = [f"{count(images)} image{'s' if images != 1 else ''}{f' of {source}' if source else ''} {'were' if images != 1 else 'was'} predicted."]
    counted = [(number(row.get("count")), text(row.get("name"))) for row in records(found.get("classes")) if "mean" not in row]
    most = max(((n, name) for n, name in counted if n is not None), default=None)
    if most is not None and images:
        sure = number(found.get("sure"))
        more = f"; the model gives its answer a probability of 90\u00a0% or more for {share(sure)} of the images" if sure is not None else ""
        said.append(f"Most often it is {most[1]}: {count(most[0])} ({share(most[0] / images)}){more}.")
    said.append(f"{count(lost)} could not be read and were left out." if lost else "Every image could be read.")
    return said


def _rows(found: Mapping[str, Any]) -> list[list[str]]:
    """A line for each class: images and share, or of several labels the mean probability and how many are above one half."""
    rows = records(found.get("classes"))
    total = number(found.get("images"))
    made = []
    for row in rows:
        n, mean = number(row.get("count")), number(row.get("mean"))
        part = "–" if n is None or not total else share(n / total)
        made.append([text(row.get("name")), figure(mean) if "mean" in row else count(n), f"{count(n)} ({part})" if "mean" in row else part])
    return made


def _facts(run: RunRecord) -> list[tuple[str, str]]:
    temperature = number(run.results.get("temperature"))
    rows = [
        ("Table", text(run.results.get("file"))),
        ("Task", ", ".join(filter(None, [text(run.task.get("name")), text(run.task.get("kind"))]))),
        ("Temperature", figure(temperature) if temperature is not None else ""),
        ("Precision", text(run.results.get("precision"))),
        ("Weights", text(run.results.get("weights"))[:16]),
    ]
    return [(name, value) for name, value in rows if value]


def _histogram(found: Mapping[str, Any]) -> dict[str, Any]:
    low, high = number(found.get("low")), number(found.get("high"))
    raw = found.get("counts")
    counts = [max(0.0, number(v) or 0.0) for v in raw][:200] if isinstance(raw, list) else []
    if low is None or high is None or not high > low or not any(counts):
        return {}
    n, most = len(counts), max(counts)
    bars = [{"height": round(100 * c / most, 1), "said": count(c), "at": round(100 * (i + 0.5) / n, 2)} for i, c in enumerate(counts)]
    return {"bars": bars, "ends": [figure(low), figure((low + high) / 2), figure(high)], "width": round(100 / n, 2)}
