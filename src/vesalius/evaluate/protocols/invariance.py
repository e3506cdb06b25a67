"""``vesalius evaluate invariance``: what an encoder's vectors do when its images are turned, cut, bent, recoloured.

After Ericsson, Gouk and Hospedales, "Why Do Self-Supervised Models Transfer? On the Impact of Invariance on Downstream Tasks" (2021), but
with a mean and a covariance of other people's images than those that are looked at.
"""

from __future__ import annotations

from dataclasses import replace
from difflib import get_close_matches
from typing import Any

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field, PositiveInt, field_validator
from torch import Tensor

from vesalius.errors import UserError
from vesalius.evaluate.asked import Asked, Examined, Taken
from vesalius.evaluate.fitting.probing import finite
from vesalius.evaluate.pairs.comparing import compared
from vesalius.evaluate.pairs.examinee import EncoderExaminee
from vesalius.evaluate.pairs.measured import Measured
from vesalius.evaluate.pairs.pair import Pair
from vesalius.evaluate.transformed import as_original, heat_map, held_out, summing
from vesalius.evaluate.transformed.transforms import TRANSFORMS
from vesalius.evaluate.transformed.viewing import features_of, pictures
from vesalius.measures import invariances
from vesalius.measures.whitening import Kind

TAKES: tuple[Taken, ...] = ("pairs",)
RULE = (
    "Each probed image is compared with its transformed versions, of each transform with parameters relative to the image, none of which changes "
    "nothing. Whitened: less the mean and by the covariance of held-out images, none of a subject that is probed; Mahalanobis's distance is in "
    "lengths of a whitened image: 0 for the same vector, 1.41 for images that have nothing to do with each other. More alike is not better: a task may hang "
    "on what an encoder has learnt to ignore."
)
ALL = "all"
_LOOKED_AT = 32
"""Images by which a data set is grey or not."""


class Config(BaseModel):
    """What can be chosen."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    transform: tuple[str, ...] = Field((ALL,), min_length=1, description="Transforms by name; all: the eighteen.")
    settings: PositiveInt | None = Field(None, description="At most so many parameters of each transform; empty: 8, under compat the original's own number.")
    probes: int = Field(100, ge=2, description="Images that are transformed, drawn, of as many subjects as there are.")
    reference: int = Field(12_000, ge=10, description="At most so many other images for the mean and the covariance.")
    neighbours: PositiveInt = Field(10, description="Nearest neighbours of which those that are kept are counted.")
    covariance: Kind = Field("ledoit-wolf", description="ledoit-wolf: all directions, shrunk; truncated: the n / 5 leading ones as they are.")
    rank: PositiveInt | None = Field(None, description="At most so many directions, to compare encoders of several dimensions.")

    @field_validator("transform", mode="before")
    @classmethod
    def _known(cls, value: Any) -> tuple[str, ...]:
        names = [str(v).strip().replace("-", "_") for v in (value.split(",") if isinstance(value, str) else value)]
        if unknown := [name for name in names if name not in (*TRANSFORMS, ALL)]:
            near = get_close_matches(unknown[0].lower(), [*TRANSFORMS, ALL], n=1)
            hint = f", did you mean {near[0]}?" if near else ";"
            raise ValueError(f"there is no transform {unknown[0]!r}{hint} there are {ALL}, {', '.join(TRANSFORMS)}")
        return tuple(TRANSFORMS) if ALL in names else tuple(dict.fromkeys(names))


def examine(config: Config, asked: Asked) -> Examined:
    """Every encoder on every data set, labelled or not, beside each architecture without training."""
    theirs = asked.compat == as_original.WORD
    found = compared("invariance", config, asked, measure, rule=as_original.RULE if theirs else RULE, baselines=("random init",), labels=False)
    told = (as_original if theirs else held_out).warning(found.results["chosen"])
    more = {
        "picture": heat_map.write(asked.run, found.results["cells"], config.transform),
        "sheet": heat_map.transformed(asked, config.transform, compat=theirs),
        "transforms": [{key: getattr(TRANSFORMS[name], key) for key in ("name", "title", "parameter", "unit", "axis")} for name in config.transform],
    }
    return replace(found, results={**found.results, **more}, warnings=[*found.warnings, *told])


def measure(config: Config, pair: Pair) -> Measured:
    """Each measure over all transforms, of each transform, and along each transform's parameters, with intervals over subjects.

    Raises UserError for encoders of volumes.
    """
    examinee = pair.encoder
    assert isinstance(examinee, EncoderExaminee)
    if len(examinee.card.size) == 3:
        raise UserError(f"{examinee.name} reads volumes, and the transforms of invariance are of images. Leave it out, or evaluate multiview-invariance.")
    place = f"invariance/{examinee.name}/{pair.dataset}"
    key = f"{pair.key_of_images} {pair.asked.seed} {config.model_dump_json()}"
    if pair.asked.compat == as_original.WORD:
        return as_original.measure(pair, place, key, config.transform, config.settings, config.probes)
    every, vectors = pair.split("images"), finite(pair, pair.features("images"))
    probed = held_out.drawn(every.subject, config.probes, pair.asked.seed)
    pieces = held_out.folds(pair, probed, config.reference, every.subject)
    known = held_out.whitenings(pair, place, key, vectors, pieces, config.covariance, config.rank)
    where = probed[np.concatenate([one.probed for one in pieces])]
    rows, lengths = every.rows[where], [len(one.probed) for one in pieces]
    clean = torch.split(finite(pair, features_of(pair, examinee.encoder, rows, None)[:, 0]), lengths)
    white = torch.cat([whitening(one) for whitening, one in zip(known, clean, strict=True)])
    unit = invariances.length(white)

    def scored(name: str) -> Tensor:
        moved = features_of(pair, examinee.encoder, rows, TRANSFORMS[name], chosen[name])
        finite(pair, moved.flatten(0, 1))
        others = (vectors[torch.from_numpy(piece.reference).to(vectors.device)] for piece in pieces)
        each = zip(clean, torch.split(moved, lengths), known, others, strict=True)
        return torch.cat([invariances.compared(*one, unit, config.neighbours) for one in each], 1)

    wanted, left_out = _meant(config.transform, pair, rows)
    chosen = {name: TRANSFORMS[name].parameters(count=config.settings or summing.SETTINGS) for name in wanted}
    scores = summing.kept(pair, place, key, wanted, scored)
    fewest = min(len(one.reference) for one in pieces)
    facts = {
        "probes": len(where),
        **held_out.facts(pair, place, known, float(unit) / known[0].rank ** 0.5, config.covariance),
        "neighbours": min(config.neighbours, fewest),
        "neighbours_by_chance": min(config.neighbours, fewest) / fewest,
        "views": len(where) * sum(map(len, chosen.values())),
        **({"changed_nothing": left_out} if left_out else {}),
    }
    return summing.measured(pair, every.subject[where], scores, chosen, invariances.MEASURES, facts)


def _meant(names: tuple[str, ...], pair: Pair, rows: Any) -> tuple[list[str], list[str]]:
    """The transforms that can change the images, and those of colours where the images are grey, unless only these were asked for."""
    colours = [name for name in names if TRANSFORMS[name].colour]
    if not colours or len(colours) == len(names):
        return list(names), []
    looked_at = pictures(pair, rows[:_LOOKED_AT], None, prepared=False)[:, 0]
    grey = looked_at.shape[1] == 1 or (looked_at.shape[1] == 3 and bool((looked_at.amax(1) - looked_at.amin(1)).max() < 0.5 / 255))
    return ([name for name in names if name not in colours], colours) if grey else (list(names), [])
