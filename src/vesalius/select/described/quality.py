"""How well the selection covers the embeddings, beside random selections of equal size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vesalius.measures import selection_quality
from vesalius.select.candidates import Objects
from vesalius.select.selected import Selected

Rows = NDArray[np.int64]
SEEDS = 20
"""Random selections of equal size."""
_WORK = 1e12
"""Multiplications for all of them together; larger pools are compared with fewer."""
_PAIRS = 200_000
_BINS = 48


def randoms(selected: Selected, seed: int) -> list[Rows]:
    """Random selections of equal size from what was free, 20 or, of very large pools, fewer, but three at least."""
    candidates, n = selected.candidates, len(selected.picks)
    dim = 1 if candidates.vectors is None else candidates.vectors.shape[1]
    repeats = int(min(SEEDS, max(3, _WORK / max(1, len(candidates) * (n + len(candidates.chosen)) * dim))))
    return selection_quality.at_random(np.flatnonzero(candidates.free), n, repeats, seed)


def quality(selected: Selected, others: Sequence[Rows]) -> dict[str, Any]:
    """Each measure of ``Spread`` for the selection and for ``others``; what was chosen before counts as chosen for both. Empty without vectors."""
    candidates, vectors = selected.candidates, selected.candidates.vectors
    before = candidates.chosen
    of_objects = {} if not len(selected.picks) else {task: _of_objects(one, before, selected.picks.rows, others) for task, one in candidates.objects.items()}
    if vectors is None or not len(selected.picks):
        return {"objects": of_objects, "seeds": len(others), "counted": len(candidates)} if of_objects else {}
    own = asdict(selection_quality.spread(vectors, np.concatenate([before, selected.picks.rows])))
    drawn = [asdict(selection_quality.spread(vectors, np.concatenate([before, rows]))) for rows in others]
    measures = {name: {"selection": value, "random": about(np.array([one[name] for one in drawn]))} for name, value in own.items()}
    return {**measures, "seeds": len(others), "counted": len(candidates), "chosen_before": len(before), "objects": of_objects}


def distances(selected: Selected, others: Sequence[Rows], seed: int) -> dict[str, Any]:
    """Histograms over the same bins: pair distances of the pool, the selection and a random one, and how far the others are from the chosen."""
    candidates, vectors = selected.candidates, selected.candidates.vectors
    if vectors is None or not len(selected.picks):
        return {}
    pool, own, one = np.arange(len(candidates)), selected.picks.rows, others[0]
    pairs = {
        name: selection_quality.pair_distances(vectors, rows, _PAIRS, seed) for name, rows in (("pool", pool), ("selection", own), ("random", one))
    }
    reach = {name: _reach(vectors, np.concatenate([candidates.chosen, rows])) for name, rows in (("selection", own), ("random", one))}
    made = {}
    for title, groups in (("pairs", pairs), ("reach", reach)):
        edges, shares = selection_quality.histogram(groups, _BINS)
        means = {name: float(values.mean()) for name, values in groups.items() if len(values)}
        made[title] = {"edges": _short(edges), "shares": {name: _short(values) for name, values in shares.items()}, "means": means}
    made["pairs"]["counted"] = {name: len(values) for name, values in pairs.items()}
    return made


def _of_objects(objects: Objects, before: Rows, picks: Rows, others: Sequence[Rows]) -> dict[str, Any]:
    """How far an object lies from the nearest object in a selected image, at most and in the mean; empty where those hold no object."""
    found = []
    for rows in (picks, *others):
        inside = np.flatnonzero(np.isin(objects.owner, np.concatenate([before, rows])))
        away = selection_quality.nearest(objects.vectors, inside)[1] if len(inside) else np.array([np.nan])
        found.append((float(away.max()), float(away.mean())))
    own, drawn = found[0], np.array(found[1:])
    names = ("cover_radius", "mean_nearest")
    return {name: {"selection": own[at], "random": about(drawn[:, at])} for at, name in enumerate(names)} if own[0] == own[0] else {}


def _reach(vectors: NDArray[Any], chosen: Rows) -> NDArray[np.float64]:
    """How far each row that is not chosen lies from the nearest that is."""
    distance = selection_quality.nearest(vectors, chosen)[1]
    return np.delete(distance, np.unique(chosen)) if len(np.unique(chosen)) < len(distance) else distance


def about(values: NDArray[Any]) -> Mapping[str, float]:
    """Mean, least and greatest of ``values`` (n,); NaN of none."""
    if not len(values) or np.isnan(values).all():
        return {"mean": float("nan"), "least": float("nan"), "greatest": float("nan")}
    return {"mean": float(np.nanmean(values)), "least": float(np.nanmin(values)), "greatest": float(np.nanmax(values))}


def _short(values: NDArray[np.float64]) -> list[float]:
    return [float(f"{value:.5g}") for value in values]
