"""What no encoder is needed for, beside every table: if an encoder is not better than these, its number is not about images.

``majority``: the shares of the training labels. ``metadata``: a linear probe on age, sex and view. ``lookup``: labels of the same study or
person, see ``lookup``. ``shuffled labels``: the linear probe of the first encoder after its training labels were shuffled, which shows
what the procedure makes of nothing. The random twin and the pixels are examinees like any other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vesalius import random
from vesalius.errors import UserError
from vesalius.evaluate.fitting import folds
from vesalius.evaluate.fitting.probing import Rule, choose, fitted
from vesalius.evaluate.judged import judging, resampling
from vesalius.evaluate.judged.leaks import names_of
from vesalius.evaluate.judged.lookup import looked_up
from vesalius.evaluate.labelled import majority
from vesalius.evaluate.pairs.measured import Measured
from vesalius.evaluate.pairs.pair import Pair

if TYPE_CHECKING:
    import pandas as pd

_KNOWN = ("age", "sex", "gender", "view", "projection", "view_position", "laterality")
_MOST_VALUES = 20
_MOST = 5_000
"""Training samples of a control's probe: more would only make it slower."""

_SHUFFLES = (10, 3)
"""Times that labels are shuffled, of a small set and of others: what one shuffling finds may lie anywhere, in few dimensions above all."""

_STRENGTHS = (1e-4, 1e-2, 1.0)
NOTES: Mapping[str, str] = {
    "majority": "the shares of the training labels, the same answer for every image",
    "metadata": "a linear probe on {} alone, without the image",
    "lookup": "labels of the same study, else the same person, in training or validation; else their shares",
    "shuffled labels": "the linear probe of {} after its training labels were shuffled, the mean over shufflings",
}


def of(pair: Pair) -> list[dict[str, Any]]:
    """``controls`` of the results for the data set of ``pair``, whose encoder is the first that was asked for."""
    labels = folds.pooled(pair)[0]
    rows = []
    for name, (answers, about) in _answers(pair, labels).items():
        found = pair.asked.cells.measured(f"controls/{name.replace(' ', '-')}/{pair.dataset}", f"{pair.key} {pair.asked.seed}", answers)
        assert found.answers is not None
        values, intervals = judging.of_answers(found.answers, resampling.of(pair), judging.names(pair, False))
        for metric, value in values.items():
            low, high = intervals[metric]
            spread = {} if value.repeats is None else {"spread": float(value.repeats.std()), "repeats": len(value.repeats)}
            said = {"metric": metric, "value": value.value, "low": low, "high": high, **spread, "note": NOTES[name].format(about)}
            rows.append({"data": pair.dataset, "control": name, **said})
    return rows


def _answers(pair: Pair, labels: Tensor) -> dict[str, tuple[Callable[[], Measured], str]]:
    """Each control that the data allow: how its answers are made, and what its note speaks of."""
    count, frames = len(pair.split("test")), [pair.split(name).frame for name in ("train", "val", "test")]
    found: dict[str, tuple[Callable[[], Measured], str]] = {
        "majority": (lambda: Measured(majority(labels, pair.kind, pair.classes, count)[None].float()), ""),
        "lookup": (lambda: _lookup(pair, labels), ""),
        "shuffled labels": (lambda: _shuffled(pair, labels), pair.encoder.name),
    }
    columns = _columns(frames)
    if columns:
        said = ", ".join(name.removeprefix("meta.") for name in columns)
        found["metadata"] = (lambda: Measured(_probed(pair, labels, *_encoded(frames, columns))[None]), said)
    return found


def _lookup(pair: Pair, labels: Tensor) -> Measured:
    table = pair.data.table
    pool = np.concatenate([pair.data.table_rows(pair.split(name).rows) for name in ("train", "val")])
    asked = pair.data.table_rows(pair.split("test").rows)
    return Measured(looked_up(labels, pair.kind, pair.classes, names_of(table, pool), names_of(table, asked), len(asked))[None])


def _shuffled(pair: Pair, labels: Tensor) -> Measured:
    """Labels are shuffled within training and within validation, so that both keep their shares."""
    generator = random.generator("shuffled labels", pair.asked.seed, len(labels))
    first, pool, test = len(pair.split("train")), folds.features(pair), pair.features("test")
    answers = []
    for _ in range(_SHUFFLES[0] if folds.small(pair) else _SHUFFLES[1]):
        order = np.concatenate([generator.permutation(first), first + generator.permutation(len(labels) - first)])
        answers.append(_probed(pair, labels[torch.from_numpy(order)], pool, test))
    return Measured(torch.stack(answers))


def _probed(pair: Pair, labels: Tensor, pool: Tensor, test: Tensor) -> Tensor:
    """Answers of a linear probe chosen on the data's own validation part."""
    first = len(pair.split("train"))
    rule = Rule(pair.kind, pair.classes, _STRENGTHS)
    kept = np.arange(len(labels))
    if len(kept) > _MOST:
        kept = np.sort(random.generator("control", pair.asked.seed).permutation(len(kept))[:_MOST])
    rows = torch.from_numpy(kept)
    x, y = pool[rows.to(pool.device)], labels[rows].to(pool.device)
    division = folds.Fold(np.flatnonzero(kept < first), np.flatnonzero(kept >= first))
    try:
        choice = choose(x, y, [division], rule)
        return fitted(x, y, choice.c, rule).probabilities(test).float().cpu()
    except UserError:  # one class to learn from: there is nothing but its share
        return majority(labels, pair.kind, pair.classes, len(test)).float()


def _columns(frames: list[pd.DataFrame]) -> list[str]:
    """Columns of what is commonly known of a patient and of how the image was taken, that vary in training."""
    named = [str(column) for column in frames[0] if str(column).removeprefix("meta.").lower() in _KNOWN]
    return [name for name in named if frames[0][name].nunique() > 1]


def _encoded(frames: list[pd.DataFrame], columns: list[str]) -> tuple[Tensor, Tensor]:
    """The columns as numbers, of the pool and of the test samples: quantities with a column for unknown, words a column each."""
    import pandas as pd

    pool, test = pd.concat(frames[:2]), frames[2]
    parts: list[list[NDArray[np.float64]]] = [[], []]
    for name in columns:
        numbers = pd.to_numeric(pool[name], errors="coerce")
        if numbers.notna().sum() == pool[name].notna().sum() and numbers.nunique() > 2:
            middle = numbers.mean()
            for part, frame in zip(parts, (pool, test), strict=True):
                own = pd.to_numeric(frame[name], errors="coerce")
                part += [own.fillna(middle).to_numpy(np.float64), own.isna().to_numpy().astype(np.float64)]
        else:
            for value in pool[name].astype(str).value_counts().index[:_MOST_VALUES]:
                for part, frame in zip(parts, (pool, test), strict=True):
                    part.append((frame[name].astype(str) == value).to_numpy(np.float64))
    return tuple(torch.from_numpy(np.stack(part, 1)).float() for part in parts)  # type: ignore[return-value]
