"""A capped draw keeps subjects whole, the parts' shares and the classes."""

from __future__ import annotations

import numpy as np
import pandas as pd

from vesalius.data.table import SampleTable
from vesalius.data.task import classification
from vesalius.evaluate.pairs.capping import capped


def table(rows: int = 600, subjects: int = 200, split: bool = True) -> SampleTable:
    generator = np.random.default_rng(0)
    subject = generator.integers(0, subjects, rows)
    part = np.where(subject % 5 == 0, "test", "train")
    columns = {"subject": [f"p{s}" for s in subject], "label.ill": (subject % 3 == 0).astype(float), **({"split": part} if split else {})}
    task = classification("ill", "ill", ("no", "yes"))
    return SampleTable.of("made", "", [f"{i}.png" for i in range(rows)], columns, class_names={"ill": ["no", "yes"]}, task=task)


def test_subjects_stay_whole_and_shares_stay() -> None:
    whole = table()
    some = capped(whole, 150, seed=3)
    assert 130 <= len(some) <= 170
    left_out = set(whole.frame["subject"]) - set(some.frame["subject"])
    for name in set(some.frame["subject"]) & set(whole.frame["subject"]):
        assert (some.frame["subject"] == name).sum() == (whole.frame["subject"] == name).sum()
    assert left_out
    for column, value in (("split", "test"), ("label.ill", 1.0)):
        shares = [(one.frame[column] == value).mean() for one in (whole, some)]
        assert abs(shares[0] - shares[1]) < 0.05
    assert "of 600 images" in some.rows_meant


def test_a_smaller_draw_lies_inside_a_larger_one_and_seeds_differ() -> None:
    whole = table(split=False)
    small, large, other = capped(whole, 100, 1), capped(whole, 300, 1), capped(whole, 100, 2)
    assert set(small.ids) <= set(large.ids)
    assert set(small.ids) != set(other.ids)


def test_a_small_set_is_left_as_it_is() -> None:
    whole = table(40, 20)
    assert capped(whole, 40, 0) is whole


def test_unlabelled_rows_are_drawn_too() -> None:
    frame = pd.DataFrame({"n": range(50)})
    whole = SampleTable.of("made", "", [f"{i}.png" for i in frame["n"]])
    assert 15 <= len(capped(whole, 20, 0)) <= 25
