"""A picture of every perturbation at every strength, of one case of the examined split."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from vesalius.evaluate.asked import Asked
from vesalius.evaluate.perturbed.perturbations import Perturbation
from vesalius.evaluate.perturbed.tuned import Tuned
from vesalius.figures.canvas import fitted, png
from vesalius.files import atomic_write
from vesalius.runs import Run

_TILE, _GAP = 96, 2
FILE = "robustness.png"


def write(run: Run, model: Tuned, chosen: Sequence[Perturbation], asked: Asked) -> dict[str, Any]:
    """Write ``figures/robustness.png``, a row for each perturbation, strength 0 first; what it shows, for the results.

    A perturbation that goes two ways is shown the way it takes the case.
    """
    from PIL import Image

    columns = 1 + max(len(one.strengths) for one in chosen)
    case = len(model.cases) // 2
    sheet = Image.new("RGB", (columns * (_TILE + _GAP) - _GAP, len(chosen) * (_TILE + _GAP) - _GAP), "white")
    for down, one in enumerate(chosen):
        way = int(one.which(model.ids[[case]], asked.seed)[0])
        steps = [None, *(one.steps(strength, model.dims)[way] for strength in one.strengths)]
        for across, step in enumerate(steps):
            tile = fitted(model.picture(step, case, asked), _TILE)
            height, width = tile.shape[:2]
            place = (across * (_TILE + _GAP) + (_TILE - width) // 2, down * (_TILE + _GAP) + (_TILE - height) // 2)
            sheet.paste(Image.fromarray(tile), place)
    (run.path / "figures").mkdir(exist_ok=True)
    atomic_write(run.path / "figures" / FILE, png(np.asarray(sheet)))
    return {"file": f"figures/{FILE}", "rows": [one.name for one in chosen], "columns": columns}
