"""The data: what was trained on, what was monitored with, how it was split, what was left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from vesalius.report import left_out
from vesalius.report.reading import RunRecord
from vesalius.report.section import Block, Section, by_run
from vesalius.report.values import mapping, number, text, texts
from vesalius.report.wording import count, figure

_KINDS = {
    "classes": "classes",
    "binary": "two classes",
    "multilabel": "several labels for one image",
    "ordinal": "ordered classes",
    "regression": "a quantity",
    "segmentation": "label volumes",
}
_MOST_CLASSES = 30


def section(runs: Sequence[RunRecord]) -> Section:
    """Facts and counts for each run; one block where several runs used the same data."""
    blocks = [_block(run) for run in runs]
    if len(blocks) > 1 and all(block.parts == blocks[0].parts for block in blocks) and blocks[0].parts:
        return by_run("data", "Data", blocks[:1], same=f"All {len(blocks)} runs used the same data.")
    return by_run("data", "Data", blocks, same="")


def _block(run: RunRecord) -> Block:
    data = run.block("data")
    labelled = mapping(data.get("labelled"))
    train, monitor = mapping(data.get("train")), mapping(data.get("monitor")) or labelled
    if not train and not monitor:
        return Block(run, reason=run.reason("data", "results.json does not describe the data."))
    parts = {
        "train": _train(train),
        "monitor": _monitor(monitor),
        "splits": _splits(monitor, unknown=bool(labelled)),
        "heading": f"Labelled {_things(monitor)}" if labelled else "Examined with",
        "left_out": left_out.lines(run) if labelled else [],
        "overlap": _overlap(data.get("overlap")),
        "warnings": list(dict.fromkeys(texts(train.get("warnings")) + texts(monitor.get("warnings")))),
    }
    return Block(run, parts=parts)


def _train(train: Mapping[str, Any]) -> list[tuple[str, str]]:
    if not train:
        return []
    subjects = number(train.get("subjects"))
    stored, channels = train.get("stored_size"), number(train.get("channels"))
    sides = stored if isinstance(stored, list) else [stored] if stored is not None else []
    sides = [float(side) if isinstance(side, str) and side.isascii() and side.isdigit() else side for side in sides][:3]
    size = " × ".join(count(number(v)) if number(v) is not None else text(v) for v in sides)
    if len(sides) == 1 and number(sides[0]) is not None:
        size += " px"
    plan = mapping(train.get("plan"))
    rows = [
        ("Name", text(train.get("name"))),
        ("Volumes" if plan else "Images", count(number(train.get("images")))),
        ("Validation", f"{count(number(train.get('validation')))} more, not learnt from" if number(train.get("validation")) else ""),
        ("Subjects", count(subjects) if subjects is not None else "unknown"),
        ("Left out", count(number(train.get("left_out"))) if number(train.get("left_out")) else "none"),
        (
            "Stored at",
            ", ".join(
                filter(None, [size, f"{count(channels)} channel{'s' if channels != 1 else ''}" if channels else ""])
            ),
        ),
        ("Voxels", _voxels(train)),
        ("Prepared as", _plan(plan)),
        ("Licence", text(train.get("licence"))),
    ]
    return [(name, value) for name, value in rows if value]


def _voxels(train: Mapping[str, Any]) -> str:
    sides = train.get("extents")
    if number(train.get("voxels")) is None or not isinstance(sides, list):
        return ""
    return f"{count(number(train.get('voxels')))}, the median volume {' × '.join(count(number(side)) for side in sides)}"


def _plan(plan: Mapping[str, Any]) -> str:
    """How volumes were prepared, in words: axes, values, patch."""
    if not plan:
        return ""
    values, patch = mapping(plan.get("intensity")), plan.get("patch")
    low, high, unit = number(values.get("low")), number(values.get("high")), " HU" if plan.get("modality") == "ct" else ""
    rule = text(values.get("rule"))
    ends = "" if low is None or high is None else f" {figure(low)} to {figure(high)}{unit if rule == 'window' else ''}"
    sides = " × ".join(count(number(side)) for side in patch) if isinstance(patch, list) else ""
    return f"{text(plan.get('orientation'))}, {rule}{ends}, patches of {sides}"


def _monitor(monitor: Mapping[str, Any]) -> list[tuple[str, str]]:
    if not monitor:
        return []
    task = mapping(monitor.get("task"))
    classes = texts(task.get("classes"))
    kind = _KINDS.get(text(task.get("kind")), text(task.get("kind")))
    rows = [
        ("Name", text(monitor.get("name"))),
        ("Label", text(task.get("label")) or ", ".join(texts(task.get("labels"))[:6])),
        ("Task", kind + (f", {count(len(classes))}" if classes else "")),
        ("Prepared as", text(monitor.get("plan"))),
        ("Split by", text(monitor.get("split_by"))),
        ("Left out", count(number(monitor.get("left_out"))) if number(monitor.get("left_out")) else ""),
        ("Licence", text(monitor.get("licence"))),
    ]
    return [(name, value) for name, value in rows if value]


def _splits(monitor: Mapping[str, Any], unknown: bool) -> Mapping[str, Any]:
    """Images and subjects of each split, and of each class: a table with a bar in every cell.

    ``unknown``: also how many images have no label, where an image has one at most.
    """
    counts = mapping(monitor.get("counts"))
    classes = texts(mapping(monitor.get("task")).get("classes"))
    splits = [(text(name), mapping(found)) for name, found in counts.items() if mapping(found)]
    rows: list[dict[str, Any]] = []
    for name, key in ((_things(monitor).capitalize(), "images"), ("Subjects", "subjects")):
        found = [number(split.get(key)) for _, split in splits]
        if any(value is not None for value in found):
            rows.append({"name": name, "values": [count(value) for value in found], "bars": [None] * len(found)})
    per_class = [
        [number(v) for v in split["per_class"]] if isinstance(split.get("per_class"), list) else []
        for _, split in splits
    ]
    most = [max((v for v in column if v is not None), default=0.0) for column in per_class]
    longest = max((len(column) for column in per_class), default=0)
    for place in range(min(longest, _MOST_CLASSES)):
        found = [column[place] if place < len(column) else None for column in per_class]
        rows.append(
            {
                "name": classes[place] if place < len(classes) else f"class {place}",
                "values": [count(value) for value in found],
                "bars": [
                    None if value is None or not top else round(100 * value / top, 1) for value, top in zip(found, most)
                ],
            }
        )
    single = text(mapping(monitor.get("task")).get("kind")) in ("classes", "binary", "ordinal")
    if unknown and single and longest <= _MOST_CLASSES:
        lacking = [_lacking(split, column) for (_, split), column in zip(splits, per_class)]
        if any(lacking):
            rows.append({"name": "Unlabelled", "values": [count(value) for value in lacking], "bars": [None] * len(lacking)})
    hidden = longest - _MOST_CLASSES
    return {"heads": [name for name, _ in splits], "rows": rows, "hidden": hidden if hidden > 0 else 0} if rows else {}


def _things(monitor: Mapping[str, Any]) -> str:
    return "volumes" if text(mapping(monitor.get("task")).get("kind")) == "segmentation" else "images"


def _lacking(split: Mapping[str, Any], per_class: Sequence[float | None]) -> float:
    """Images of ``split`` in none of its classes."""
    images = number(split.get("images"))
    return 0.0 if images is None else max(0.0, images - sum(v for v in per_class if v is not None))


def _overlap(found: Any) -> list[str]:
    """What training and monitoring data share, as sentences; other entries are shown as they are."""
    said = []
    for name, value in mapping(found).items():
        if name == "sets":
            said += [line for set_, shared in mapping(value).items() for line in _shared(text(set_), mapping(shared))]
        elif isinstance(value, str) and value:
            said.append(value)
        elif name == "left_out" and number(value):
            said.append(f"{count(number(value))} training images that are also held out were left out of training{_reasons(found)}.")
    return said


def _reasons(found: Any) -> str:
    """Why so many were left out, where that is more than equal pixels."""
    how = {name: number(value) or 0 for name, value in mapping(mapping(found).get("left_out_by")).items()}
    words = {"equal": "have equal pixels", "alike": "look alike (perceptual hash)", "people": "show the same people"}
    named = [f"{count(how[name])} {word}" for name, word in words.items() if how.get(name)]
    return f": {', '.join(named)}" if any(how.get(name) for name in ("alike", "people")) else ""


def _shared(name: str, shared: Mapping[str, Any]) -> list[str]:
    """``Overlap`` of one monitoring set: images, and people where both sides know them."""
    how = text(shared.get("compared_by"))
    if how == "nothing":
        return [f"Whether {name} and the training data share images could not be compared."]
    said = []
    for things in ("images", "subjects"):
        same, of = number(shared.get(things)), number(shared.get(f"of_{things}"))
        if same is None or of is None:
            continue
        by = f" (compared by {how})" if how and things == "images" else ""
        amount = f"{count(same)} of the" if same else "None of the"
        said.append(
            f"{amount} {count(of)} held-out {things} of {name} {'are' if same else 'is'} in the training data{by}."
        )
    return said
