"""``vesalius evaluate few-shot``: what an encoder is worth where each class has only a few labelled images.

Prototypical networks (Snell et al., NeurIPS 2017) on frozen features, as Ericsson et al. (CVPR 2021) and Anton et al. (Journal of
Imaging, 2022) measure transfer, or SimpleShot (Wang et al., 2019). Every image is forwarded once, not once an episode.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from vesalius.errors import UserError
from vesalius.evaluate.asked import Asked, Examined, Taken
from vesalius.evaluate.pairs.comparing import compared
from vesalius.evaluate.pairs.measured import Measured, Value
from vesalius.evaluate.pairs.pair import Pair
from vesalius.measures import episode_scores, episodes
from vesalius.measures.episodes import Episodes
from vesalius.measures.prototypes import Centre, Variant

TAKES: tuple[Taken, ...] = ("pairs",)
RULE = (
    "Each episode draws classes, of each a few images to learn from and others to be asked, of other subjects; the nearest class mean answers. "
    "Episodes are the same for every encoder. The margin is the Monte-Carlo error of so many episodes; the interval is over the data set's "
    "subjects, and is the one to believe."
)


class Config(BaseModel):
    """What can be chosen."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    way: int | None = Field(None, ge=2, description="Classes in an episode; none: 5, or all where there are fewer.")
    shot: int = Field(5, ge=1, description="Images of each class to learn from.")
    queries: int = Field(15, ge=1, description="Images of each class that are asked.")
    episodes: int = Field(600, ge=2, description="How many.")
    variant: Variant = Field("prototypes", description="prototypes: squared Euclidean distance to class means; simpleshot: centred and of length 1 first.")
    centre: Centre = Field("support", description="What simpleshot subtracts: the mean of each episode's support, or of the pool.")
    pool: Literal["all", "train", "val", "test"] = Field("all", description="Part of the data that episodes are drawn from.")
    classes: tuple[str, ...] = Field((), description="Classes to draw from; empty: all.")


@dataclass(frozen=True, eq=False)
class Pool:
    """What episodes are drawn from: ``rows`` (n,) of the part, their ``labels`` and ``subject`` numbers, ``apart`` (n,) the numbers of
    what is kept on one side of an episode; and the ``episodes``.
    """

    rows: NDArray[np.int64]
    labels: NDArray[np.int64]
    subject: NDArray[np.int64]
    apart: NDArray[np.int64]
    episodes: Episodes


def examine(config: Config, asked: Asked) -> Examined:
    """Every encoder on every data set."""
    return compared("few-shot", config, asked, measure, rule=RULE)


def measure(config: Config, pair: Pair) -> Measured:
    """The accuracy of the episodes."""
    drawn, original = pool(config, pair), pair.asked.compat != "none"
    vectors = pair.features(config.pool)[torch.from_numpy(drawn.rows)]
    found = episode_scores.score(vectors, drawn.labels, drawn.apart, drawn.episodes, variant=config.variant, centre=config.centre)
    replicates = found.replicates(drawn.subject, pair.asked.replicates, pair.asked.seed)
    facts: dict[str, Any] = {
        "way": drawn.episodes.classes.shape[1],
        "shot": config.shot,
        "queries": config.queries,
        "episodes": config.episodes,
        "variant": config.variant,
        "subjects": "images are drawn as the original draws them, whoever they are of" if original else "disjoint between support and query",
    }
    if pair.kind == "multilabel":
        facts["note"] = f"{len(drawn.rows):,} of {len(pair.split(config.pool)):,} samples have exactly one positive label, which is their class."
    value = Value(found.value, replicates, found.accuracy, found.margin(0 if original else 1))
    return Measured(values={"accuracy": value}, facts=facts, scored=(len(drawn.rows), int(drawn.subject.max()) + 1))


def pool(config: Config, pair: Pair) -> Pool:
    """The pool and its episodes; of a multi-label task, the samples with exactly one positive label, which is their class."""
    part, names = pair.split(config.pool), _names(config, pair)
    rows, labels = _classes(part.labels.numpy(), pair.kind == "multilabel", [pair.task.classes.index(name) for name in names])
    subject = np.unique(part.subject[rows], return_inverse=True)[1]
    apart = subject if pair.asked.compat == "none" else np.arange(len(rows))
    way = config.way or min(5, len(names))
    key = blake2b(labels.tobytes() + subject.tobytes(), digest_size=8).hexdigest()  # ids of private data differ between machines
    drawn = _drawn(labels.tobytes(), apart.tobytes(), names, way, config.shot, config.queries, config.episodes, key, pair.asked.seed)
    return Pool(rows, labels, subject, apart, drawn)


def _names(config: Config, pair: Pair) -> tuple[str, ...]:
    """The classes that are drawn from."""
    known = pair.task.classes
    if wrong := [name for name in config.classes if name not in known]:
        raise UserError(f"{pair.dataset} has no class {wrong[0]!r}. Its classes are {', '.join(known)}: name those to draw from with --few-shot.classes.")
    return tuple(name for name in known if not config.classes or name in config.classes)


def _classes(labels: NDArray[np.float32], several: bool, wanted: list[int]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows of samples of the ``wanted`` classes, and the place of each one's class among these."""
    if several:
        alone = np.nan_to_num(labels) == 1
        labels = np.where(alone.sum(1) == 1, alone.argmax(1), -1)
    place = np.full(max(wanted) + 2, -1)
    place[wanted] = np.arange(len(wanted))
    number = place[np.where(np.isin(labels, wanted), labels, max(wanted) + 1).astype(np.int64)]
    rows = np.flatnonzero(number >= 0)
    return rows, number[rows]


@lru_cache(maxsize=8)
def _drawn(labels: bytes, subject: bytes, names: tuple[str, ...], way: int, shot: int, queries: int, count: int, key: str, seed: int) -> Episodes:
    """The episodes, drawn once for all encoders."""
    of_class, of_subject = np.frombuffer(labels, np.int64), np.frombuffer(subject, np.int64)
    return episodes.draw(of_class, of_subject, names, way=way, shot=shot, queries=queries, count=count, key=(key, seed))
