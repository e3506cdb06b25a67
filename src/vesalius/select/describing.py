"""A selection in numbers, words and pictures: the parts of ``results.json`` that the report draws, and its pictures in the run's folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from vesalius.data.dataset import DataSet
from vesalius.runs import Run
from vesalius.select.described import pictures, words
from vesalius.select.described.balance import balance
from vesalius.select.described.probe import Tested, probe
from vesalius.select.described.quality import distances, quality, randoms
from vesalius.select.selected import Selected
from vesalius.select.values import Classes, Numbers


@dataclass(frozen=True)
class Asked:
    """``values``: what the job's inputs read of metadata, predictions and scores, whose balance is shown. ``tested``: a labelled test split
    with its vectors, where there is one. ``map_method``: how the map was made, in words. ``odd``: what ``pictures.pairs`` found, where it is
    known already. ``seed``: of what is drawn.
    """

    seed: int = 1
    values: Sequence[Classes | Numbers] = ()
    tested: Tested | None = None
    map_method: str = ""
    odd: Mapping[str, Any] | None = None


def describe(selected: Selected, run: Run, data: DataSet | None, asked: Asked | None = None) -> Mapping[str, Any]:
    """``quality``, ``distances``, ``balance``, ``probe``, ``picks``, ``pairs``, ``verdict``, ``n``, ``pool``, ``stopped``, ``classes``, ``map_method``.

    Writes ``selected/`` and ``examples/`` (thumbnails by id) into ``run`` where ``data`` holds the pixels of the candidates. The candidates'
    ``frame`` says their ids in the column ``id``. Nothing of it names a file.
    """
    asked = asked or Asked()
    candidates, picks = selected.candidates, selected.picks
    ids = np.arange(len(candidates), dtype=np.uint64) if candidates.frame is None else candidates.frame["id"].to_numpy(np.uint64)
    others = randoms(selected, asked.seed) if len(picks) else []
    found: dict[str, Any] = {
        "n": len(picks),
        "pool": len(candidates),
        "chosen_before": len(candidates.chosen),
        "stopped": picks.stopped,
        "encoder": selected.encoder,
        "map_method": asked.map_method,
        "classes": [str(name) for names in list(selected.class_names.values())[:1] for name in names],
        "quality": quality(selected, others),
        "distances": distances(selected, others, asked.seed),
        "balance": balance(selected, asked.values, others) if len(picks) else [],
        "probe": probe(selected, asked.tested, asked.seed),
    }
    odd = pictures.pairs(selected, asked.seed) if asked.odd is None else asked.odd
    found |= pictures.write_pictures(selected, run, data, ids, odd, asked.seed)
    found["verdict"] = words.verdict(
        len(picks), len(candidates), len(candidates.chosen), picks.stopped, found["quality"], found["balance"], found["probe"]
    )  # fmt: skip
    return found
