"""Label volumes that were written: pictures of some, and how much of each class there is."""

from __future__ import annotations

from collections.abc import Sequence

from vesalius.report.pictures import data_uri, open_picture
from vesalius.report.reading import RunRecord
from vesalius.report.section import Block, Section, by_run
from vesalius.report.values import number, text
from vesalius.report.wording import count, figure

PICTURE = "figures/preview.png"


def section(runs: Sequence[RunRecord], budget: int) -> Section:
    """The table and the picture of each run; together at most ``budget`` bytes."""
    return by_run("label-volumes", "Label volumes", [_block(run, budget // len(runs)) for run in runs])


def _block(run: RunRecord, budget: int) -> Block:
    rows = run.rows("volumes")
    if not rows:
        return Block(run, reason=run.reason("label-volumes", "The run did not note how much of each class there is."))
    path = run.path / PICTURE
    image = open_picture(path) if path.is_file() else None
    address = data_uri(image, budget)[0] if image is not None else ""
    return Block(
        run,
        parts={
            "heads": ["Class", "In scans", "Median, ml", "Least", "Greatest"],
            "rows": [
                [text(row.get("class")), count(number(row.get("in"))), *(figure(number(row.get(key))) for key in ("median", "least", "greatest"))]
                for row in rows
            ],
            "picture": {"address": address, "width": image.width, "height": image.height} if image is not None and address else {},
        },
    )
