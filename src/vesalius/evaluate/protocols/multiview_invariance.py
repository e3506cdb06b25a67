"""``vesalius evaluate multiview-invariance``: whether two views of one thing (frontal and lateral, left and right eye) have like vectors.

After Ericsson, Gouk and Hospedales (2021) and Anton et al. (Journal of Imaging 2022), but whitened by people who are not looked at, and beside
views that are no pair: what two images have in common says nothing without what any two have.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, PositiveInt
from torch import Tensor

from vesalius import random
from vesalius.errors import UserError
from vesalius.evaluate.asked import Asked, Examined, Taken
from vesalius.evaluate.fitting.probing import finite
from vesalius.evaluate.pairs.comparing import compared
from vesalius.evaluate.pairs.measured import Measured, Value
from vesalius.evaluate.pairs.pair import Pair
from vesalius.evaluate.transformed import as_original, held_out, pairing
from vesalius.measures import bootstrap, invariances
from vesalius.measures.spectra import Influenced
from vesalius.measures.whitening import Kind

TAKES: tuple[Taken, ...] = ("pairs",)
RULE = (
    "Two views of one thing are compared, whitened by the mean and covariance of held-out people. Beside them stand views that are no pair: the first view "
    "of one and the second of another person, whose mean similarity and whose AUC against the pairs (0.5: a pair is as like as any two) say what a similarity "
    "is worth. More alike is not better by itself."
)
_TOLD, _PAIRS = 3, 500


class Config(BaseModel):
    """What can be chosen."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    pair: str = Field("", description="Column whose equal values are one thing; empty: study, else pair, else subject.")
    view: str = Field("", description="Column of the view, of which a pair has two; empty: view, else laterality, else any two images.")
    views: tuple[str, ...] = Field((), max_length=2, description="The two views meant, as frontal,lateral, where there are more.")
    pairs: pairing.Many = Field("one", description="one: a drawn pair of each thing; all: every pair of its images.")
    probes: int | None = Field(None, ge=4, description="At most so many pairs, drawn, of as many people as there are; empty: 500, under compat 100.")
    reference: int = Field(12_000, ge=10, description="At most so many other images for the mean and the covariance.")
    neighbours: PositiveInt = Field(10, description="Nearest neighbours of which those that two views share are counted.")
    covariance: Kind = Field("ledoit-wolf", description="ledoit-wolf: all directions, shrunk; truncated: the n / 5 leading ones as they are.")
    rank: PositiveInt | None = Field(None, description="At most so many directions, to compare encoders of several dimensions.")


def examine(config: Config, asked: Asked) -> Examined:
    """Every encoder on every data set that has pairs, beside each architecture without training and the pixels."""
    theirs = asked.compat == as_original.WORD
    baselines = ("random init",) if theirs else ("random init", "pixel PCA")
    rule = as_original.PAIRS if theirs else RULE
    found = compared("multiview-invariance", config, asked, measure, rule=rule, baselines=baselines, labels=False)
    told = (as_original if theirs else held_out).warning(found.results["chosen"])
    return replace(found, warnings=[*found.warnings, *told])


def measure(config: Config, pair: Pair) -> Measured:
    """Similarity of pairs and of what is none, with intervals over people.

    Raises UserError where all pairs are of one person.
    """
    place, key = f"multiview-invariance/{pair.encoder.name}/{pair.dataset}", f"{pair.key_of_images} {pair.asked.seed} {config.model_dump_json()}"
    theirs = pairing.as_original(pair) if pair.asked.compat == as_original.WORD else None
    every = theirs or pairing.pairs(pair, config.pair, config.view, config.views, config.pairs)
    vectors = finite(pair, pair.features("images"))
    facts = {"pairs_there": len(every.one), "without_partner": every.alone, "pair": every.by, "view": every.told_by, "views": list(every.views)}
    if pair.asked.compat == as_original.WORD:
        return _as_original(pair, place, key, every, vectors, facts, config.probes or as_original.PAIRED)
    chosen = held_out.drawn(every.people[every.one], config.probes or _PAIRS, pair.asked.seed)
    one, other = every.one[chosen], every.other[chosen]
    pieces = held_out.folds(pair, one, config.reference, every.people)
    order = np.concatenate([piece.probed for piece in pieces])
    people = every.people[one[order]]
    if len(np.unique(people)) < 2:
        raise UserError(f"All pairs of {pair.dataset} are of one person, so that there is nothing to compare them with. Give more people.")
    known = held_out.whitenings(pair, place, key, vectors, pieces, config.covariance, config.rank)
    first, second = ([vectors[torch.from_numpy(which[piece.probed]).to(vectors.device)] for piece in pieces] for which in (one, other))
    white = [torch.cat([w(x) for w, x in zip(known, views, strict=True)]) for views in (first, second)]
    unit = invariances.length(torch.cat(white))
    scores = torch.cat(
        [
            invariances.compared(a, b[:, None], w, vectors[torch.from_numpy(piece.reference).to(vectors.device)], unit, config.neighbours)[:, :, 0]
            for a, b, w, piece in zip(first, second, known, pieces, strict=True)
        ],
        1,
    )
    fold = np.repeat(np.arange(len(pieces)), [len(piece.probed) for piece in pieces])
    apart = (people[:, None] != people) & (fold[:, None] == fold)  # folds have axes of their own
    beside = invariances.paired(white[0], white[1], torch.from_numpy(apart).to(white[0].device)) if apart.any() else {}
    facts |= {"pairs": len(order), **held_out.facts(pair, place, known, float(unit) / known[0].rank ** 0.5, config.covariance)}
    each = dict(zip(invariances.MEASURES, scores, strict=True))
    means = {name: Influenced(float(one.mean()), one - one.mean()) for name, one in each.items()}
    return _measured(pair, people, {**means, **beside}, facts)


def _as_original(pair: Pair, place: str, key: str, every: pairing.Paired, vectors: Tensor, facts: dict[str, object], count: int) -> Measured:
    """``count`` pairs drawn with replacement, whitened by a sample that holds them."""
    white, samples = as_original.estimated(pair, place, key, vectors)
    drawn = random.generator("compat pairs", 0).integers(0, len(every.one), count)
    one, other = (white(vectors[torch.from_numpy(which[drawn]).to(vectors.device)]) for which in (every.one, every.other))
    each = dict(zip(as_original.MEASURES, (invariances.cosine(one, other).double(), invariances.distance(one, other).double()), strict=True))
    means = {name: Influenced(float(found.mean()), found - found.mean()) for name, found in each.items()}
    told = {**facts, "pairs": len(drawn), **as_original.facts(place, samples, vectors.shape[1])}
    return _measured(pair, every.people[every.one[drawn]], means, told)


def _measured(pair: Pair, people: NDArray[np.int64], found: dict[str, Influenced], facts: dict[str, object]) -> Measured:
    drawn = bootstrap.groups(people.astype(object), len(people))
    blocks = list(bootstrap.weights(drawn, pair.asked.replicates, pair.asked.seed))
    told = int(drawn.max()) + 1 >= _TOLD
    values = {
        name: Value(one.value, torch.cat([one.replicates(block).double() for block in blocks]).cpu() if told else None) for name, one in found.items()
    }
    return Measured(values=values, facts=facts, scored=(len(people), int(drawn.max()) + 1))
