"""What the network saw: the picture of the training views."""

from __future__ import annotations

from collections.abc import Sequence

from vesalius.report.pictures import data_uri, open_picture
from vesalius.report.reading import RunRecord
from vesalius.report.section import Block, Section, by_run

_SCREEN = 560


def section(runs: Sequence[RunRecord], budget: int) -> Section:
    """The picture of each run; together at most ``budget`` bytes."""
    return by_run("views", "Training views", [_block(run, budget // len(runs)) for run in runs])


def _shown(width: int, height: int) -> int:
    """Pixels to show ``width`` at: small pictures up to three times as large, as long as they stay on a screen."""
    return round(width * max(1.0, min(3.0, _SCREEN / height)))


def _block(run: RunRecord, budget: int) -> Block:
    path = run.path / "views.png"
    if not path.is_file():
        return Block(run, reason=run.reason("views", "The run kept no picture of its views (no views.png)."))
    image = open_picture(path)
    if image is None:
        return Block(run, reason="views.png could not be read as a picture.")
    address, _ = data_uri(image, budget)
    if not address:
        return Block(run, reason="views.png is too large for the page.")
    return Block(
        run, parts={"picture": address, "width": image.width, "height": image.height, "shown": _shown(*image.size)}
    )
