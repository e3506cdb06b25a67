"""What can be said of an image without looking at it: the labels of the same study, else of the same person, else everybody's.

Where people are on both sides of a division, this alone scores: 76 % where the majority is 61 %, for pleural effusion of CheXpert
divided by image. On data divided by subject it is the prevalence.
"""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from vesalius.evaluate.labelled import majority
from vesalius.measures.metrics import Kind

Names = NDArray[np.object_] | None


def looked_up(
    labels: Float[Tensor, "train ..."], kind: Kind, classes: int, known: tuple[Names, Names], asked: tuple[Names, Names], count: int
) -> Float[Tensor, "count outputs"]:
    """Probabilities for ``count`` samples from the training ``labels`` of the same study or subject: ``known`` and ``asked`` are (studies,
    subjects) of the training samples and of those asked about, None where nobody knows. A missing name is nobody's.
    """
    values = _one_hot(labels, kind, classes)
    found = majority(labels, kind, classes, count).clone().double()
    for mine, theirs in reversed(list(zip(known, asked, strict=True))):  # the study last: what it knows stands
        if mine is not None and theirs is not None:
            mean, there = _means(values, mine, theirs)
            found = torch.where(there, mean, found)
    return found.float()


def _one_hot(labels: Tensor, kind: Kind, classes: int) -> NDArray[np.float64]:
    """(train, outputs), NaN where unknown."""
    if kind == "multilabel":
        return labels.double().numpy()
    rows = F.one_hot(labels.nan_to_num().round().long(), classes).double()
    return torch.where(labels.isnan()[:, None], torch.nan, rows).numpy()


def _means(values: NDArray[np.float64], mine: NDArray[np.object_], theirs: NDArray[np.object_]) -> tuple[Tensor, Tensor]:
    """The mean of each name's known values, for each of ``theirs``, and where there is one: (count, outputs) both."""
    import pandas as pd

    codes, names = pd.factorize(pd.Series(mine, dtype=object))
    place = pd.Index(names).get_indexer(pd.Series(theirs, dtype=object))
    place = np.where(pd.isna(theirs), -1, place)
    known = ~np.isnan(values)
    sums, counts = (np.zeros((len(names) + 1, values.shape[1])) for _ in range(2))
    np.add.at(sums, codes, np.where(known, values, 0))  # of an unknown name to the last row, which nobody reads
    np.add.at(counts, codes, known)
    counts[-1] = 0
    mean = sums / np.maximum(counts, 1)
    return torch.from_numpy(mean[place]), torch.from_numpy(counts[place] > 0)
