"""Philox against its published vectors, and draws that depend on nothing but their key."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from vesalius import random


def test_known_answers() -> None:
    # the vectors of Random123's kat_vectors, philox4x32 10 rounds
    zero = random.philox4x32(np.zeros((1, 4), np.uint64), (0, 0))[0]
    assert [f"{int(w):08x}" for w in zero] == ["6627e8d5", "e169c58d", "bc57ac4c", "9b00dbd8"]
    ones = random.philox4x32(np.full((1, 4), 0xFFFFFFFF, np.uint64), (0xFFFFFFFF, 0xFFFFFFFF))[0]
    assert [f"{int(w):08x}" for w in ones] == ["408f276d", "41c83b0e", "a20bc7c6", "6d5451fd"]
    counter = np.array([[0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344]], np.uint64)
    digits = random.philox4x32(counter, (0xA4093822, 0x299F31D0))[0]
    assert [f"{int(w):08x}" for w in digits] == ["d16cfe09", "94fdcceb", "5001e420", "24126ea1"]


@given(st.integers(0, 2**31), st.integers(0, 1000), st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=20), st.integers(1, 9))
@settings(max_examples=50, deadline=None)
def test_a_sample_stands_alone(seed: int, epoch: int, ids: list[int], n: int) -> None:
    array = np.array(ids, np.uint64)
    together = random.uniform(seed, epoch, array, "crop", n, view=1)
    assert together.shape == (len(ids), n)
    assert ((together >= 0) & (together < 1)).all()
    for i in range(len(ids)):
        alone = random.uniform(seed, epoch, array[i : i + 1], "crop", n, view=1)
        assert (alone[0] == together[i]).all()


def test_every_part_of_the_key_matters() -> None:
    ids = np.arange(64, dtype=np.uint64)
    base = random.uniform(1, 2, ids, "crop", 4)
    for other in (
        random.uniform(2, 2, ids, "crop", 4),
        random.uniform(1, 3, ids, "crop", 4),
        random.uniform(1, 2, ids + np.uint64(1 << 40), "crop", 4),
        random.uniform(1, 2, ids, "flip", 4),
        random.uniform(1, 2, ids, "crop", 4, view=1),
        random.uniform(1, 2, ids, "crop", 4, draw=1),
    ):
        assert not (other == base).any()


def test_uniform_and_uncorrelated() -> None:
    drawn = random.uniform(3, 0, np.arange(20_000, dtype=np.uint64), "x", 4)
    assert stats.kstest(drawn.ravel(), "uniform").pvalue > 1e-3
    correlation = np.corrcoef(drawn.T) - np.eye(4)
    assert np.abs(correlation).max() < 0.03


def test_permutation_is_one_and_changes_with_the_epoch() -> None:
    first, second = random.permutation(1, 0, 1000), random.permutation(1, 1, 1000)
    assert sorted(first) == list(range(1000))
    assert (first == random.permutation(1, 0, 1000)).all()
    assert (first != second).mean() > 0.9


def test_digest_tells_parts_apart() -> None:
    assert random.digest64("ab", "c") != random.digest64("a", "bc")
    assert random.digest64("a", 1) == random.digest64("a", 1)


@given(st.lists(st.text(st.characters(codec="utf-8")), max_size=20), st.integers(0, 99))
def test_many_digests_are_those_of_one(texts: list[str], seed: int) -> None:
    assert random.digests64(("select", seed, b"x"), texts).tolist() == [random.digest64("select", seed, b"x", text) for text in texts]
