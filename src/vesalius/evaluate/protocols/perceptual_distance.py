"""``vesalius evaluate perceptual-distance``: how far reconstructions are from their originals in the eyes of three networks.

LPIPS 0.1 (Zhang et al., "The unreasonable effectiveness of deep features as a perceptual metric", CVPR 2018) with AlexNet, VGG and
SqueezeNet, of what ``reconstruction`` made in this evaluation or an earlier one, or of the folders of SSL_medicalimaging.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from vesalius.errors import UserError
from vesalius.evaluate import compat
from vesalius.evaluate.asked import Asked, Examined, Taken
from vesalius.evaluate.config import EvaluateConfig
from vesalius.evaluate.judged import standing
from vesalius.evaluate.judged.judging import Judged
from vesalius.evaluate.judged.resampling import FEW, LEVEL
from vesalius.evaluate.pairs.measured import Measured
from vesalius.evaluate.perceptual import backbones, cells, distances, seen, sheets, sought
from vesalius.evaluate.perceptual.sought import RECONSTRUCTION, Sought
from vesalius.measures import bootstrap
from vesalius.terminal import Terminal

TAKES: tuple[Taken, ...] = ()
AFTER = (RECONSTRUCTION,)
"""What it looks at has to be made first."""
RULE = (
    "The distance of a reconstruction from its original in the features of AlexNet, VGG and SqueezeNet, trained on ImageNet, weighed as people judged "
    "pairs of photographs (LPIPS 0.1); 0 is equal, less is better. perceptual_distance is the mean of the three networks. They were trained on "
    "photographs: on radiographs the numbers compare encoders and say little by themselves."
)
_MOST_NAMED = 20


class Config(BaseModel):
    """What can be chosen."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reconstructed: str | None = Field(
        None, description="An earlier evaluation (folder, id or latest) or a folder MODEL/MODEL_True_NAME; empty: what this evaluation reconstructs."
    )
    originals: str = Field(sought.ORIGINALS, description="Folder DATASET/NAME of what a folder of reconstructions was made of.")
    backbones: tuple[str, ...] = Field((), description="Folder, or files, of torchvision's AlexNet, VGG16 and SqueezeNet 1.1; else torch's cache.")
    side: int | None = Field(
        None,
        ge=seen.LEAST,
        description="Both images are seen at so many pixels a side; empty: as they are where equally large and at least 64, else at 224.",
    )


def require(config: Config, evaluation: EvaluateConfig, terminal: Terminal) -> None:
    """What has to be there before anything is computed: the networks, which ``--download`` fetches, and something to compare. Raises UserError."""
    if config.reconstructed is None and RECONSTRUCTION not in evaluation.protocols:
        raise UserError(
            "perceptual-distance compares reconstructions with their originals, and nothing says where they are. Name both protocols, `vesalius "
            "evaluate reconstruction,perceptual-distance --encoder ENCODER --images FOLDER`, or give --reconstructed with an earlier evaluation (folder, "
            "id or latest) or a folder MODEL/MODEL_True_NAME, then with --originals."
        )
    backbones.found(config.backbones, evaluation.download, terminal)
    if config.reconstructed is not None:
        _given(config.reconstructed, config, None)


def examine(config: Config, asked: Asked) -> Examined:
    """Every model on every data set that there are reconstructions of, each network loaded once."""
    files = backbones.found(config.backbones, False, asked.terminal)
    pairs = _of_this(asked) if config.reconstructed is None else _given(config.reconstructed, config, asked.run.path)
    for line in pairs.missing[:_MOST_NAMED]:
        asked.terminal.say(f"Without a counterpart: {line}")
    if len(pairs.missing) > _MOST_NAMED:
        asked.terminal.say(f"Without a counterpart: {len(pairs.missing) - _MOST_NAMED} more")
    side = config.side or (seen.SIDE if asked.compat != "none" else None)
    found = _measured(pairs, asked, side, files)
    results, rows, verdict = standing.of("perceptual-distance", found, asked, pairs.baselines)
    pictures = [dict(row) for row in results["pictures"]]
    sheets.write_pictures(asked.run.path, pictures, [one for some in pairs.cells().values() for one in some], side)
    named = compat.original_key if asked.compat == compat.WORD else str
    nets = {
        (model, named(data)): {net: judged.values[f"{cells.METRIC}@{net}"].value for net in backbones.BACKBONES}
        for (model, data), judged in found.items()
        if model not in pairs.baselines
    }
    tables = sheets.write_tables(asked.run.path, nets, list(backbones.BACKBONES))
    about: dict[str, Any] = {
        "takes": "pairs",
        "absent": [],
        "rule": RULE,
        "missing": len(pairs.missing),
        "tables": [file.relative_to(asked.run.path).as_posix() for file in tables],
        "backbones": {name: one.sha256 for name, one in backbones.BACKBONES.items()},
        "encoders": list(pairs.encoders),
    }
    count = len(pairs.missing)
    said = f"{count} file{'s have' if count > 1 else ' has'} no counterpart and {'were' if count > 1 else 'was'} not compared."
    return Examined({**results, "pictures": pictures, **about}, rows, verdict, [said] if count else [])


def _measured(pairs: Sought, asked: Asked, side: int | None, files: dict[str, Path]) -> dict[tuple[str, str], Judged]:
    """Every cell; the networks are loaded when the first of them is not there already."""
    models = cache(lambda: distances.loaded(files, asked.device))
    digests = {name: one.sha256 for name, one in backbones.BACKBONES.items()}
    judged = {}
    everyone = {data: _subjects(data, pairs, asked) for _, data in pairs.cells()}
    with asked.terminal.bar("perceptual-distance", "cells") as progress:
        for number, ((model, data), some) in enumerate(pairs.cells().items()):
            progress(number, len(pairs.cells()), note=f"{model} on {data}")
            again = 0 if data in pairs.repeated else asked.replicates
            found = asked.cells.measured(
                f"perceptual-distance/{model}/{data}",
                cells.key(some, everyone[data], digests, f"{side} {again} {asked.seed}"),
                lambda some=some, data=data, again=again: cells.measured(some, everyone[data], models(), side, again, asked.seed),  # type: ignore[misc]
            )
            judged[model, data] = _judged(found, "subjects" if len(set(everyone[data].values())) < len(everyone[data]) else "images")
        progress(len(judged), len(judged))
    return judged


def _judged(found: Measured, unit: str) -> Judged:
    assert found.scored is not None
    few = found.scored[1] < FEW
    level = bootstrap.expanded(found.scored[1], LEVEL) if few else LEVEL
    intervals = {name: bootstrap.interval(value.replicates, level) for name, value in found.values.items() if value.replicates is not None}
    method = "percentile, expanded" if few else "percentile"
    return Judged(cells.METRIC, found.values, *found.scored, unit, found, intervals, method, found.scored[1] if few else None)


def _of_this(asked: Asked) -> Sought:
    assert asked.panel is not None
    panel = asked.panel
    made = sought.of_this(asked.run, [(model, data) for model in panel.examinees for data in panel.pictures])
    if not made.made:
        raise UserError("Nothing was reconstructed in this evaluation, so that nothing can be compared: see what reconstruction says of each encoder.")
    return Sought(made.made, baselines=[name for name, one in panel.examinees.items() if one.baseline])


def _given(reference: str, config: Config, own: Path | None) -> Sought:
    return sought.of_tree(Path(reference), Path(config.originals)) if sought.is_tree(reference) else sought.earlier(reference, own)


def _subjects(data: str, pairs: Sought, asked: Asked) -> dict[str, int]:
    """The data set's images by id, each with the number of its subject: itself where subjects are not known."""
    ids = sorted({one.id for one in pairs.made if one.data == data})
    table = asked.panel.pictures.get(data) if asked.panel is not None and all(one.inside for one in pairs.made) else None
    if table is None:
        return {one: number for number, one in enumerate(ids)}
    known = dict(zip((f"{number:016x}" for number in table.ids.tolist()), bootstrap.groups(table.subjects, len(table)).tolist(), strict=True))
    order = {subject: number for number, subject in enumerate(dict.fromkeys(known[one] for one in ids))}
    return {one: order[known[one]] for one in ids}
