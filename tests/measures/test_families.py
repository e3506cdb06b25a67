from __future__ import annotations

import itertools
import math

import pytest

from vesalius.measures.families import holm


def test_the_smallest_is_multiplied_by_how_many_there_are() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []


def test_what_is_undefined_stays_and_does_not_count() -> None:
    first, second = holm([math.nan, 0.02])
    assert math.isnan(first)
    assert second == pytest.approx(0.02)


def test_a_corrected_p_is_never_below_that_of_a_smaller_one() -> None:
    given = [0.001, 0.5, 0.02, 0.02, 0.4]
    order = sorted(range(5), key=lambda at: given[at])
    found = holm(given)
    assert all(found[a] <= found[b] for a, b in itertools.pairwise(order))
    assert all(now >= before for now, before in zip(found, given))
