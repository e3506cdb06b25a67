"""Which images of a data set are two views of one thing: of one study, of one person's eyes, of whatever a column says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from vesalius import random
from vesalius.errors import UserError
from vesalius.evaluate.pairs.pair import Pair

if TYPE_CHECKING:
    import pandas as pd

_OF_ONE = ("study", "pair", "subject")
_VIEWS = ("view", "laterality")
Many = Literal["one", "all"]


@dataclass(frozen=True, eq=False)
class Paired:
    """``one`` and ``other`` (p,): places in ``split("images")`` of two views. ``people`` (n,): whose each image is, a person's and a group's
    images being one's. ``alone``: groups without a second view. ``by`` and ``told_by``: the columns that said so; ``views``: the two views.
    """

    one: NDArray[np.int64]
    other: NDArray[np.int64]
    people: NDArray[np.int64]
    alone: int
    by: str
    told_by: str
    views: tuple[str, ...]


def pairs(pair: Pair, by: str, told_by: str, views: tuple[str, ...], many: Many) -> Paired:
    """``by``: the column whose equal values are one thing; ``told_by``: the column of the view, that of a pair being two. Empty: what the data
    have. ``views``: two of its values where it has more. Raises UserError for a column or view that is not there, and where nothing is paired.
    """
    every = pair.split("images")
    frame = every.frame.reset_index(drop=True)
    by = _column(frame, by, _OF_ONE, pair.dataset, "pair")
    told_by = _column(frame, told_by, _VIEWS, pair.dataset, "view") if told_by or any(_known(frame, name) for name in _VIEWS) else ""
    things, view = frame[by], frame[told_by].astype(str).where(frame[told_by].notna(), None) if told_by else None
    there = things.notna() if view is None else things.notna() & view.notna()
    if views and view is not None:
        if absent := [one for one in views if one not in set(view.dropna())]:
            raise UserError(f"No image of {pair.dataset} has the {told_by} {absent[0]!r}. Its views: {', '.join(sorted(set(view.dropna())))}.")
        there &= view.isin(list(views))
    found, alone = list[tuple[int, int]](), 0
    places = np.flatnonzero(there.to_numpy())
    seen = None if view is None else view.to_numpy()
    for number, group in enumerate(_groups(places, things.iloc[places].astype(str).to_numpy())):
        several = _couples(group, seen, views)
        alone += not several
        if len(several) > 1 and many == "one":
            several = [several[int(random.generator("pair of views", pair.asked.seed, number).integers(len(several)))]]
        found += several
    if not found:
        rows = pair.data.table.rows_meant
        why = f"Only some rows are read ({rows}): --filter all reads every one." if rows else "Name its columns with --pair and --view."
        two = f" with two values of {told_by.removeprefix('meta.')}" if told_by else ""
        raise UserError(f"No two images of {pair.dataset} are views of one {by.removeprefix('meta.')}{two}. {why}")
    one, other = np.array(found, np.int64).T
    told = () if seen is None else tuple(sorted({str(v) for v in seen[np.concatenate([one, other])]}))
    return Paired(one, other, _people(every.subject, things), alone, by, told_by, told)


def as_original(pair: Pair) -> Paired | None:
    """The pairs of Anton et al.: every lateral image of CheXpert with the first frontal one of its study, both eyes of EyePACS of one grade.

    None where the data are neither.
    Raises UserError where they hold no such pair.
    """
    every = pair.split("images")
    frame = every.frame.reset_index(drop=True)
    if pair.data.table.source == "chexpert":
        lateral = frame.index[frame["view"] == "lateral"]
        first = frame["uri"].str.endswith("view1_frontal.jpg")
        place = dict(zip(frame["study"][first], frame.index[first], strict=True))
        found = [(place[study], number) for number, study in zip(lateral, frame["study"][lateral], strict=True) if study in place]
        by, told_by, alone = "study", "view", len(lateral) - len(found)
    elif pair.data.table.source == "eyepacs":
        eyes = [frame.index[frame["laterality"] == side] for side in ("L", "R")]
        right = dict(zip(frame["subject"][eyes[1]], eyes[1], strict=True))
        both = [(number, right[who]) for number, who in zip(eyes[0], frame["subject"][eyes[0]], strict=True) if who in right]
        found = [(a, b) for a, b in both if frame["label.grade"][a] == frame["label.grade"][b]]
        by, told_by, alone = "subject", "laterality", len(eyes[0]) + len(eyes[1]) - 2 * len(both)
    else:
        return None
    if not found:
        raise UserError(f"{pair.dataset} has no pair as Anton et al. made them: laterals with the study's first frontal image, eyes of one grade.")
    one, other = np.array(found, np.int64).T
    return Paired(one, other, _people(every.subject, frame[by]), alone, by, told_by, tuple(sorted(frame[told_by].dropna().unique())))


def _groups(places: NDArray[np.int64], names: NDArray[np.object_]) -> list[NDArray[np.int64]]:
    """``places`` of each name, in order of the names."""
    _, number, counts = np.unique(names, return_inverse=True, return_counts=True)
    return np.split(places[np.argsort(number, kind="stable")], np.cumsum(counts)[:-1])


def _couples(group: NDArray[np.int64], view: NDArray[np.object_] | None, views: tuple[str, ...]) -> list[tuple[int, int]]:
    """Every two of ``group`` that are two views, the view that is named first (else the lesser) first."""
    place = {name: number for number, name in enumerate(views)}
    if view is None:
        return [(int(a), int(b)) for n, a in enumerate(group) for b in group[n + 1 :]]
    key = [(place.get(view[a], 0), view[a]) for a in group]
    return [(int(a), int(b)) for a, x in zip(group, key, strict=True) for b, y in zip(group, key, strict=True) if x < y]


def _known(frame: pd.DataFrame, name: str) -> bool:
    return name in frame and frame[name].nunique() > 1


def _column(frame: pd.DataFrame, name: str, usual: tuple[str, ...], dataset: str, field: str) -> str:
    """The column ``name``, with or without its prefix, or the first of the ``usual`` ones that says anything."""
    found = next((one for one in ((name, f"meta.{name}", f"label.{name}") if name else usual) if one in frame and frame[one].notna().any()), "")
    if not found:
        hidden = ("id", "uri", "frame", "box", "split", "width", "height", "depth", "spacing")
        columns = [one.removeprefix("meta.") for one in frame.columns if one not in hidden and not one.startswith("label.")]
        if not columns:
            raise UserError(f"{dataset} has no column that says which images belong together. Give a table (.csv) with one, and name it with --{field}.")
        wanted = repr(name) if name else f"called {' or '.join(one.removeprefix('meta.') for one in usual)}"
        raise UserError(f"{dataset} has no column {wanted} that says which images belong together. Name one with --{field}: {', '.join(columns)}.")
    return found


def _people(subject: NDArray[np.int64], things: pd.Series) -> NDArray[np.int64]:
    """A number for each image, the same for all that a subject or a group joins."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    known = np.flatnonzero(things.notna().to_numpy())
    _, group = np.unique(things.iloc[known].astype(str).to_numpy(), return_inverse=True)
    _, own = np.unique(subject, return_inverse=True)
    count = len(subject)
    nodes = count + int(own.max()) + 1 + (int(group.max()) + 1 if len(group) else 0)
    rows = np.concatenate([np.arange(count), known])
    columns = np.concatenate([count + own, count + int(own.max()) + 1 + group])
    _, found = connected_components(coo_matrix((np.ones(len(rows)), (rows, columns)), shape=(nodes, nodes)), directed=False)
    return np.asarray(found[:count], np.int64)
