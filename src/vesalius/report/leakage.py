"""The data sets of an evaluation: what is counted in which split, and what of the test split was seen in training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from vesalius.report.reading import RunRecord
from vesalius.report.section import Block, Section, by_run
from vesalius.report.values import mapping, number, records, text, texts
from vesalius.report.wording import count, share, title

_SPLITS = (("train", "training"), ("val", "validation"), ("test", "test"))
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
            "leaks": [_leak(row) for row in leaks],
            "warnings": list(dict.fromkeys(warned)),
        },
    )


def _row(row: Mapping[str, Any]) -> list[str]:
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


def _counted(found: Mapping[str, Any]) -> str:
    images, people = number(found.get("images")), number(found.get("subjects"))
    if not images:
        return "–"
    return f"{count(images)}\n{count(people)} subjects" if people is not None else f"{count(images)}\nsubjects unknown"


def _leak(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """Sentences where the row has any, and every plain number beside them."""
    said = [line for key in ("verdict", "sentence", "sentences", "note", "notes") for line in texts(row.get(key))]
    facts = [(_words(path), _shown(path, value)) for path, value in _flat(row) if path[0] not in ("data", "verdict", "sentence", "sentences", "note", "notes")]
    return {"data": text(row.get("data")), "said": said, "facts": [(name, value) for name, value in facts if value]}


def _flat(found: Mapping[str, Any], above: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], Any]]:
    rows: list[tuple[tuple[str, ...], Any]] = []
    for key, value in found.items():
        rows += _flat(value, (*above, text(key))) if isinstance(value, Mapping) else [((*above, text(key)), value)]
    return rows


def _words(path: Sequence[str]) -> str:
    words = ", ".join(part.replace("_", " ") for part in path)
    return words[:1].upper() + words[1:]


def _shown(path: Sequence[str], value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    known = number(value)
    if known is None:
        return ", ".join(texts(value)) if isinstance(value, list) else text(value)
    return share(known) if "share" in path[-1] or (known != int(known) and 0 < known < 1) else count(known)
