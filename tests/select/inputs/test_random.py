from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

from vesalius.select.inputs.random import Config, title


def numbers(names: list[str], seed: int, **fields: Any) -> np.ndarray:
    from vesalius.select.inputs import random

    candidates: Any = SimpleNamespace(names=np.array(names), seed=seed)
    return getattr(random.read, "__wrapped__", random.read)(Config(**fields), candidates).values


def test_an_images_number_is_its_own_whatever_stands_beside_it() -> None:
    names = [f"{n}.png" for n in range(2000)]
    found = numbers(names, 0)
    assert ((found > 0) & (found < 1)).all()
    assert abs(found.mean() - 0.5) < 0.03
    np.testing.assert_array_equal(numbers(names[::-1], 0), found[::-1])
    np.testing.assert_array_equal(numbers(names[:5], 0), found[:5])


def test_the_seed_is_the_selections_unless_one_is_given() -> None:
    assert title(Config()) == "random"
    names = ["a", "b", "c"]
    assert (numbers(names, 0) != numbers(names, 1)).all()
    np.testing.assert_array_equal(numbers(names, 0, random_seed=1), numbers(names, 1))
