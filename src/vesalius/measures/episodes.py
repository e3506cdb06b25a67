"""Few-shot episodes: some classes, some samples of each to learn from (support), others to be asked (query), many times.

An episode is a function of the key and its number alone: not of how many there are, and not of any encoder, so that all
encoders answer the same. Subjects are disjoint: in each episode every subject is on one side, and the images are drawn from the
sides without replacement. The side of those asked holds half as many images again as are asked, where there are so many: the larger
the other, the more people there are to learn from, as in the plain draw of shot + queries images, which it is where each image is of
another subject.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vesalius import random
from vesalius.errors import UserError

_NUMBERS = 1 << 22
"""Random numbers held at a time: 32 MB."""
_ATTEMPTS = 100
"""Divisions of the subjects that are tried for one episode."""


@dataclass(frozen=True, eq=False)
class Episodes:
    """``classes`` (E, way) numbers of classes; ``support`` (E, way, shot) and ``query`` (E, way, queries) rows of samples."""

    classes: NDArray[np.int64]
    support: NDArray[np.int64]
    query: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.classes)


def draw(
    labels: NDArray[np.int64],
    subject: NDArray[np.int64],
    names: Sequence[str],
    *,
    way: int,
    shot: int,
    queries: int,
    count: int,
    key: Sequence[str | int],
) -> Episodes:
    """``count`` episodes of ``way`` classes from samples with ``labels`` (n,) and ``subject`` (n,) numbers from 0.

    ``names`` of the classes 0, 1, ... Raises UserError that names the class that has too few images or subjects, and how many.
    """
    _refuse(labels, subject, names, way, shot, queries)
    pool = _Pool(labels, subject, len(names), way, shot, queries, (*key, way, shot))
    step = max(1, _NUMBERS // pool.size)
    parts = [pool.drawn(np.arange(start, min(start + step, count))) for start in range(0, count, step)]
    late = np.sum([short for *_, short in parts], axis=0)
    if late.any():
        worst = int(late.argmax())
        people = len(np.unique(subject[labels == worst]))
        raise UserError(
            f"The class {names[worst]!r} has {int((labels == worst).sum()):,} images of {people:,} subjects, and {_ATTEMPTS} divisions of the "
            f"subjects did not give {shot} images to learn from and {queries} to be asked, of other subjects. Ask for fewer with --shot or --queries."
        )
    return Episodes(*(np.concatenate([part[i] for part in parts]) for i in range(3)))


def _refuse(
    labels: NDArray[np.int64], subject: NDArray[np.int64], names: Sequence[str], way: int, shot: int, queries: int
) -> None:
    if way > len(names):
        raise UserError(
            f"{way} classes are asked for in an episode, and there are {len(names)}: {', '.join(names)}. Ask for fewer with --way."
        )
    sizes = np.bincount(labels, minlength=len(names))
    if (sizes > 0).sum() < 2:
        there = ", ".join(name for name, size in zip(names, sizes, strict=True) if size)
        raise UserError(
            f"Every labelled image is of one class ({there or 'none is labelled'}), so that there is nothing to tell apart. Give data with two "
            "classes, or another task."
        )
    for number, name in enumerate(names):
        people = len(np.unique(subject[labels == number]))
        what = f"{shot} images to learn from and {queries} to be asked"
        if sizes[number] < shot + queries:
            raise UserError(
                f"The class {name!r} has {sizes[number]:,} images, and an episode takes {what} of each class: {shot + queries}. Ask for fewer "
                "with --shot or --queries, or leave the class out with --classes."
            )
        if people < 2:
            raise UserError(
                f"The {sizes[number]:,} images of the class {name!r} are all of one subject, and an episode takes {what}, of other subjects. "
                "Give images of more subjects, or leave the class out with --classes."
            )


class _Pool:
    """What episodes are drawn from. Subjects with images of the same classes are divided together, so that each class is
    divided in proportion.
    """

    def __init__(
        self, labels: NDArray[np.int64], subject: NDArray[np.int64], classes: int, way: int, shot: int, queries: int, key: tuple[str | int, ...]
    ) -> None:
        self.labels, self.subject, self.way, self.shot, self.queries, self.key = labels, subject, way, shot, queries, key
        self.members = [np.flatnonzero(labels == number) for number in range(classes)]
        people = int(subject.max()) + 1
        has = np.zeros((people, classes), np.int64)
        np.add.at(has, (subject, labels), 1)
        self.images = has.sum(1)
        self.stratum = np.unique(has > 0, axis=0, return_inverse=True)[1].reshape(-1)
        self.total = np.bincount(self.stratum, self.images).astype(np.int64)
        self.first = np.cumsum(self.total) - self.total
        least = min(map(len, self.members))
        tight = 2 * least < 3 * (shot + queries)
        self.asked, self.of = (queries, shot + queries) if tight else (3 * queries, 2 * least)  # the share that is asked
        self.size = classes + people + len(labels)

    def drawn(self, index: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Classes, support and query of the episodes ``index``; and how many of them lack images of each class to the end."""
        classes, support, query, short = self._attempt(index, 0)
        for attempt in range(1, _ATTEMPTS):
            again = np.flatnonzero(short.any(1))
            if not len(again):
                break
            classes[again], support[again], query[again], short[again] = self._attempt(index[again], attempt)
        return classes, support, query, short.sum(0)

    def _attempt(self, index: NDArray[np.int64], attempt: int) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
        numbers = np.stack([random.generator("episode", *self.key, int(i), attempt).random(self.size) for i in index])
        kinds, people = len(self.members), len(self.images)
        classes = np.argsort(numbers[:, :kinds], axis=1)[:, : self.way]
        learnt = self._side(numbers[:, kinds : kinds + people])[:, self.subject]
        key = numbers[:, kinds + people :]
        support = np.zeros((len(index), self.way, self.shot), np.int64)
        query = np.zeros((len(index), self.way, self.queries), np.int64)
        short = np.zeros((len(index), kinds), bool)
        for number, members in enumerate(self.members):
            rows, place = np.nonzero(classes == number)
            side, order = learnt[np.ix_(rows, members)], key[np.ix_(rows, members)]
            enough = side.sum(1)
            short[rows, number] = (enough < self.shot) | (len(members) - enough < self.queries)
            support[rows, place] = members[_least(np.where(side, order, order + 1), self.shot)]
            query[rows, place] = members[_least(np.where(side, order + 1, order), self.queries)]
        return classes, support, query, short

    def _side(self, numbers: NDArray[np.float64]) -> NDArray[np.bool_]:
        """(E, subjects): who is learnt from. In random order within a stratum, those whose middle image is in its first share."""
        order = np.argsort(self.stratum + numbers, axis=1)
        images = self.images[order]
        stratum = self.stratum[order]
        middle = 2 * (np.cumsum(images, 1) - images - self.first[stratum]) + images
        side = np.zeros(numbers.shape, bool)
        first = middle * self.of < 2 * self.total[stratum] * (self.of - self.asked)
        np.put_along_axis(side, order, first, 1)
        return side


def _least(key: NDArray[np.float64], count: int) -> NDArray[np.int64]:
    """Columns of the ``count`` smallest of each row, smallest first."""
    part = np.argpartition(key, count - 1, axis=1)[:, :count]
    return np.take_along_axis(part, np.argsort(np.take_along_axis(key, part, 1), axis=1), 1)
