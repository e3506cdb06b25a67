"""A picture of every perturbation at every strength, of one case of the examined split."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import Any

import numpy as np

from vesalius.evaluate.asked import Asked
from vesalius.evaluate.perturbed.perturbations import Perturbation
from vesalius.evaluate.perturbed.tuned import Tuned
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
            tile = Image.fromarray(np.ascontiguousarray(model.picture(step, case, asked))).convert("RGB")
            scale = _TILE / max(tile.size)
            size = (max(1, round(tile.width * scale)), max(1, round(tile.height * scale)))
            kind = Image.Resampling.NEAREST if scale > 2 else Image.Resampling.BICUBIC if scale > 1 else Image.Resampling.LANCZOS
            place = (across * (_TILE + _GAP) + (_TILE - size[0]) // 2, down * (_TILE + _GAP) + (_TILE - size[1]) // 2)
            sheet.paste(tile.resize(size, kind), place)
    buffer = BytesIO()
    sheet.save(buffer, "png", optimize=True)
    (run.path / "figures").mkdir(exist_ok=True)
    atomic_write(run.path / "figures" / FILE, buffer.getvalue())
    return {"file": f"figures/{FILE}", "rows": [one.name for one in chosen], "columns": columns}
