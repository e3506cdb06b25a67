"""Segmented volumes as pictures: three planes of a case, with the contours of the truth and of the prediction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from vesalius.report.pictures import data_uri, open_picture
from vesalius.report.reading import RunRecord
from vesalius.report.section import Block, Section, by_run
from vesalius.report.values import number, records, text, texts
from vesalius.report.wording import score


def section(runs: Sequence[RunRecord], budget: int) -> Section:
    """The cases each run kept, from the worst to the best; together at most ``budget`` bytes."""
    return by_run("segmentations", "Segmentations", [_block(run, budget // len(runs)) for run in runs])


def _block(run: RunRecord, budget: int) -> Block:
    found = run.block("segmentation")
    names = texts(found.get("pictures"))
    scores = {text(case.get("id")): number(case.get("dice")) for case in records(found.get("cases"))}
    pictures: list[dict[str, Any]] = []
    for name in names:
        image = open_picture(run.path / "segmentations" / f"{name}.png")
        address = "" if image is None else data_uri(image, budget // len(names))[0]
        if image is not None and address:
            said = f"Case {name}, Dice {score(scores.get(name), 'dice')}"
            pictures.append({"picture": address, "width": image.width, "height": image.height, "said": said})
    if not pictures:
        return Block(run, reason=run.reason("segmentations", "The run kept no pictures of segmented volumes."))
    colours = found.get("colours")
    shades = [f"rgb({', '.join(str(int(number(c) or 0)) for c in one)})" for one in (colours if isinstance(colours, list) else [])]
    legend = list(zip(texts(found.get("classes")), shades, strict=False))
    return Block(run, parts={"pictures": pictures, "legend": legend})
