"""The order of samples: every one once an epoch, a slice per rank, the same whenever it is asked."""

import numpy as np
import pytest
import torch

from tests.methods.cases import make_views
from tests.training.small import Memory
from vesalius.errors import UserError
from vesalius.training.feed import Feed
from vesalius.training.world import World


def feed(world: int = 1, rank: int = 0, **fields: object) -> Feed:
    given = {"seed": 1, "batch_size": 6, "drop_last": False, **fields}
    return Feed(Memory(29), np.arange(29), make_views("simclr"), World(rank, world, torch.device("cpu"), None), **given)  # type: ignore[arg-type]


def ids(f: Feed, steps: range) -> list[int]:
    return [int(i) // 7919 for s in steps for read in f.at(s)[0] for i in read.ids]


def test_every_sample_once_an_epoch() -> None:
    f = feed()
    assert f.steps_per_epoch == 5
    first, second = ids(f, range(5)), ids(f, range(5, 10))
    assert sorted(first) == sorted(second) == list(range(29))
    assert first != second


@pytest.mark.parametrize("world", [2, 3])
def test_ranks_cut_the_global_batch(world: int) -> None:
    alone = feed(batch_size=6)
    for step in range(5):
        whole = ids(alone, range(step, step + 1))
        parts = [ids(feed(world, r, batch_size=6 // world), range(step, step + 1)) for r in range(world)]
        assert [i for p in parts for i in p] == whole


def test_accumulation_and_draws() -> None:
    reads, samples = feed(accumulate=2, batch_size=3).at(0)
    assert (len(reads), samples, len(reads[0].ids)) == (2, 6, 3)
    twice = feed(draws_per_sample=2, drop_last=True)
    assert twice.samples == 58
    seen = ids(twice, range(twice.steps_per_epoch))
    assert max(seen.count(i) for i in seen) == 2
    views = {}
    for step in range(twice.steps_per_epoch):
        for read in twice.at(step)[0]:
            for i, box in zip(read.ids.tolist(), next(v for k, v in read.draws.values.items() if "crop" in k)[0]):
                views.setdefault(i, []).append(box)
    assert not any(len(v) == 2 and np.array_equal(*v) for v in views.values())


def test_the_stream_is_what_at_says_and_ends_early_without_trouble() -> None:
    f = feed()
    for step, (reads, samples, waited) in enumerate(f.stream(2, 9), 2):
        assert ids(f, range(step, step + 1)) == [int(i) // 7919 for r in reads for i in r.ids]
        assert samples == len(f.order(step))
        assert waited >= 0
        if step == 5:
            break


def test_too_little_data_is_one_paragraph() -> None:
    with pytest.raises(UserError, match="holds 29"):
        feed(batch_size=64, drop_last=True)


def test_an_error_of_the_reader_reaches_the_loop() -> None:
    f = feed()
    f.rows = np.arange(29) + 50
    with pytest.raises(IndexError):
        list(f.stream(0, 5))
