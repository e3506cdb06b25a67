"""The confusion matrix: what images of each class were taken for, as shares of the class and as counts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PIL import Image

from vesalius.report.pictures import data_uri
from vesalius.report.reading import RunRecord
from vesalius.report.section import Block, Section, by_run
from vesalius.report.values import number, text, texts
from vesalius.report.wording import count, share

_LARGE = 5  # up to here a cell holds share and count
_NUMBERS = 12  # of more classes cells hold no numbers: the matrix is a picture, and what is confused most a list
_MOST_CLASSES = 1000
_PAIRS = 12
_RIGHT, _WRONG, _PAPER = (10, 102, 114), (168, 50, 42), (252, 251, 249)


def section(runs: Sequence[RunRecord]) -> Section:
    """A matrix for each run."""
    return by_run("confusion", "Confusion matrix", [_block(run) for run in runs])


def _block(run: RunRecord) -> Block:
    found = run.block("confusion")
    counts = _counts(found.get("counts"))
    if not counts:
        return Block(run, reason=run.reason("confusion", "The run kept no confusion matrix."))
    names = texts(found.get("classes"))
    names = [names[i] if i < len(names) else f"class {i}" for i in range(len(counts))]
    shares = [[n / sum(row) if sum(row) else None for n in row] for row in counts]
    total, right = sum(map(sum, counts)), sum(row[i] for i, row in enumerate(counts))
    pairs = _pairs(counts, names)
    said = f"{count(right)} of {count(total)} {text(found.get('split')) or 'test'} images are on the diagonal"
    if pairs and total > right:
        said += f"; most often {pairs[0]['is']} is taken for {pairs[0]['as']} ({pairs[0]['share']} of its images)"
    empty = [name for name, row in zip(names, counts) if not sum(row)]
    none = f"No image of {', '.join(empty[:6])}{' and others' if len(empty) > 6 else ''} was there to be recognised." if empty else ""
    parts: dict[str, Any] = {"sentence": f"{said}.", "none": none, "names": names, "pairs": [], "picture": ""}
    if len(counts) > _NUMBERS:
        return Block(run, parts={**parts, "size": "picture", "picture": _picture(shares), "pairs": pairs, "rows": [], "total": len(counts)})
    rows = [
        {
            "name": name,
            "n": count(sum(row)),
            "cells": [_cell(share_, n, i == j) for j, (share_, n) in enumerate(zip(shares[i], row))],
        }
        for i, (name, row) in enumerate(zip(names, counts))
    ]
    return Block(run, parts={**parts, "size": "large" if len(counts) <= _LARGE else "small", "rows": rows})


def _counts(raw: Any) -> list[list[float]]:
    """A square matrix of counts, or nothing."""
    found = [[number(v) for v in row] if isinstance(row, list) else [] for row in raw] if isinstance(raw, list) else []
    if not 1 < len(found) <= _MOST_CLASSES or any(len(row) != len(found) for row in found):
        return []
    whole = [[v if v is not None and 0 <= v < 1e12 else 0.0 for v in row] for row in found]
    return whole if any(map(any, whole)) else []


def _cell(part: float | None, n: float, right: bool) -> dict[str, Any]:
    percent = None if part is None else 100 * part
    short = "–" if percent is None else "0" if n == 0 else f"{percent:.0f}" if percent >= 0.5 else "<1"
    return {
        "tone": "right" if right else "wrong",
        "shade": 0.0 if part is None else round(part, 3),
        "share": "–" if part is None else share(part),
        "short": short,
        "count": count(n),
    }


def _pairs(counts: Sequence[Sequence[float]], names: Sequence[str]) -> list[dict[str, Any]]:
    """What is taken for what, by how often."""
    wrong = [(n, i, j) for i, row in enumerate(counts) for j, n in enumerate(row) if i != j and n]
    wrong.sort(key=lambda entry: -entry[0])
    return [{"is": names[i], "as": names[j], "count": count(n), "share": share(n / sum(counts[i]))} for n, i, j in wrong[:_PAIRS]]


def _picture(shares: Sequence[Sequence[float | None]]) -> str:
    """One pixel for a cell."""
    image = Image.new("RGB", (len(shares), len(shares)))
    for i, row in enumerate(shares):
        for j, part in enumerate(row):
            tone, strength = _RIGHT if i == j else _WRONG, (part or 0.0) ** 0.5  # rare confusions are seen too
            r, g, b = (round(p + strength * (t - p)) for t, p in zip(tone, _PAPER))
            image.putpixel((j, i), (r, g, b))
    return data_uri(image, 2_000_000)[0]
