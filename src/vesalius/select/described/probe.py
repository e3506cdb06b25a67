"""A probe trained on the selection beside probes on random ones of equal size, where the images are labelled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from vesalius import random
from vesalius.measures import selection_probe
from vesalius.measures.metrics import Kind
from vesalius.measures.selection_probe import HeldOut
from vesalius.select.described.quality import SEEDS
from vesalius.select.selected import Selected

if TYPE_CHECKING:
    import pandas as pd

_LEAST, MOST = 30, 20_000
"""Labelled images to be tested on."""
_STEPS = 4


@dataclass(frozen=True)
class Tested:
    """Labelled images that could not be selected, as a test split: ``vectors`` (T, D), ``labels`` (T,) or (T, L), ``unit`` (T,) whose they are."""

    vectors: NDArray[Any]
    labels: NDArray[np.float64]
    unit: NDArray[np.int64] | None = None


def probe(selected: Selected, tested: Tested | None, seed: int) -> dict[str, Any]:
    """Rows of ``selection_probe.judged`` for the first 1/8, 1/4, 1/2 of the picks and for all; or ``absent`` with the reason.

    Without ``tested``, or where that is too small, a third of the labelled images that were not selected is set aside: no probe learns from them.
    """
    candidates = selected.candidates
    if tested is not None and (~np.isnan(tested.labels.reshape(len(tested.labels), -1))).any(1).sum() < _LEAST:
        tested = None
    if candidates.vectors is None or not selected.labels:
        return {"absent": "There are no labels to train a probe with." if candidates.vectors is not None else "There are no embeddings to train a probe on."}
    found = _question(selected)
    if found is None:
        return {"absent": "The labels are no classes, so no probe is trained."}
    kind, names, labels, classes = found
    known = np.asarray((~np.isnan(labels.reshape(len(labels), -1))).any(axis=1), np.bool_)
    picks = selected.picks.rows[known[selected.picks.rows]]
    free = known & candidates.free
    if tested is None:
        rest = np.setdiff1d(np.flatnonzero(known), np.concatenate([picks, candidates.chosen]))
        shuffled = rest[random.permutation(random.digest64("probe of a selection", seed), 0, len(rest))]
        aside = np.sort(shuffled[: min(MOST, len(rest) // 3)])
        tested, where = Tested(candidates.vectors[aside], labels[aside]), f"{len(aside):,} images that were not selected, set aside for this"
        free[aside] = False
    else:
        where = f"the {len(tested.labels):,} images of the test split"
    if len(tested.labels) < _LEAST or len(picks) < 2 or free.sum() <= len(picks):
        return {"absent": f"A probe needs {_LEAST} labelled images to be tested on, and others to be trained on instead; there are too few."}
    test = HeldOut.of(_tensor(tested.vectors), _tensor(tested.labels), tested.unit)
    vectors, rows = candidates.vectors, []
    for n in sorted({max(2, len(picks) // part) for part in (8, 4, 2, 1)} if len(picks) >= 8 * _STEPS else {len(picks)}):
        others = [random.generator("probe", seed, number).choice(np.flatnonzero(free), n, replace=False) for number in range(SEEDS)]
        used = np.unique(np.concatenate([picks[:n], *others]))
        place = np.full(len(candidates), -1, np.int64)
        place[used] = np.arange(len(used))
        rows += selection_probe.judged(
            _tensor(vectors[used]), _tensor(labels[used]), place[picks[:n]], [place[other] for other in others], test, kind, classes, seed=seed
        )  # fmt: skip
    return {"task": ", ".join(names), "tested_on": where, "strength": selection_probe.STRENGTH, "rows": [row.as_dict() for row in rows]}


def asks(selected: Selected) -> bool:
    """Whether there are labels to train a probe with."""
    return selected.candidates.vectors is not None and bool(selected.labels) and _question(selected) is not None


def held_out(selected: Selected, frame: pd.DataFrame, vectors: NDArray[Any]) -> Tested:
    """The images of a test split by their rows of the table, ``frame``, and their ``vectors`` (T, D): labels as the probe asks for them, people as units."""
    found = _question(selected)
    assert found is not None
    kind, names, _, _ = found
    labels = frame[[f"label.{name}" for name in names]].to_numpy(np.float64, na_value=np.nan)
    people = frame.get("subject")
    unit = None
    if people is not None and people.notna().any():
        known = people.notna().to_numpy()
        unit = np.arange(len(frame)) + len(frame)
        unit[known] = np.unique(people[known].astype(str), return_inverse=True)[1]
    return Tested(vectors, labels if kind == "multilabel" else labels[:, 0], unit)


def _question(selected: Selected) -> tuple[Kind, list[str], NDArray[np.float64], int] | None:
    """Kind, names and labels of what is asked: the first label with classes, or all columns of yes and no together."""
    for name, known in selected.labels.items():
        count = len(selected.class_names.get(name, ()))
        if count >= 2:
            return ("binary" if count == 2 else "classes"), [name], known, count
    yes_no = [name for name, known in selected.labels.items() if set(np.unique(known[~np.isnan(known)])) <= {0.0, 1.0}]
    if not yes_no:
        return None
    columns = np.stack([selected.labels[name] for name in yes_no], 1)
    return ("binary", yes_no, columns[:, 0], 2) if len(yes_no) == 1 else ("multilabel", yes_no, columns, len(yes_no))


def _tensor(values: NDArray[Any]) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(values, np.float32))
