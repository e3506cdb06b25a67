"""The data sets of an evaluation: what is counted in which split, and what of the test split was seen in training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from vesalius.report.reading import RunRecord
from vesalius.report.section import Block, Section, by_run
from vesalius.report.values import mapping, number, records, text, texts
from vesalius.report.wording import count, score, share, title

Found = Mapping[str, Any]
_SPLITS = (("train", "training"), ("val", "validation"), ("test", "test"))
_LEAK_HEADS = ("Test images", "of people seen before", "of studies seen before", "same pixels", "look alike", "copies", "looked up, no image", "majority")
_SPLIT_BY = {"source": "by the data's own list", "subject": "by us, whole subjects", "image": "by us, single images (no subject is known)"}


def section(runs: Sequence[RunRecord]) -> Section:
    """A line for each data set and what the search for leaks found."""
    return by_run("leakage", "Data and leakage", [_block(run) for run in runs])


def _block(run: RunRecord) -> Block:
    data = run.results.get("data")
    rows = records(data)
    leaks = records(run.results.get("leakage"))
    if not rows and not leaks:
        return Block(run, reason=run.reason("leakage", "results.json names no data set."))
    warned = [said for row in rows for said in texts(row.get("warnings"))]
    return Block(
        run,
        parts={
            "heads": ["Data", "Judged by", *(f"{name.capitalize()}" for _, name in _SPLITS), "Split", "Licence"],
            "rows": [_row(row) for row in rows],
            "leak_heads": _LEAK_HEADS,
            "leaks": [_leak(row) for row in leaks],
            "said": list(dict.fromkeys(said for row in leaks for said in texts(row.get("sentences")))),
            "warnings": list(dict.fromkeys(warned)),
        },
    )


def _row(row: Found) -> list[str]:
    task, counts = mapping(row.get("task")), mapping(row.get("counts"))
    classes = len(texts(task.get("classes")))
    judged = ", ".join(filter(None, [title(text(task.get("metric"))) if text(task.get("metric")) else "", f"{count(classes)} classes" if classes else ""]))
    split = text(row.get("split_by"))
    return [
        text(row.get("name")),
        judged or "–",
        *(_counted(mapping(counts.get(name))) for name, _ in _SPLITS),
        _SPLIT_BY.get(split, split) or "–",
        text(row.get("licence")) or "–",
    ]


def _counted(found: Found) -> str:
    images, people = number(found.get("images")), number(found.get("subjects"))
    if not images:
        return "–"
    return f"{count(images)}\n{count(people)} subjects" if people is not None else f"{count(images)}\nsubjects unknown"


def _leak(row: Found) -> list[str]:
    """What of the test split was seen before, in numbers."""
    test = mapping(row.get("test"))
    seen, whole = number(test.get("images_of_shared_subjects")), number(test.get("images"))
    people = "not known" if row.get("subjects_known") is False else "–" if seen is None else f"{count(seen)} ({share(seen / whole)})" if whole else count(seen)
    lookup = mapping(row.get("lookup"))
    metric = text(lookup.get("metric"))
    scores = [score(number(lookup.get(key)), metric) if lookup else "–" for key in ("value", "majority")]
    return [
        text(row.get("data")),
        people,
        *(count(number(found.get(key))) for found, key in ((test, "images_of_shared_studies"), (row, "same_pixels"), (row, "look_alike"), (row, "twice"))),
        *scores,
    ]
