from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats

from vesalius.views import bank


@pytest.mark.parametrize(("kind", "law"), [("normal", stats.norm()), ("uniform", stats.uniform(-1, 2))])
def test_numbers_follow_their_law(kind, law):
    numbers = bank.slices(kind, torch.tensor([0, 700_000]), 20_000)
    assert numbers.shape == (2, 20_000)
    assert stats.kstest(numbers.numpy().ravel(), law.cdf).pvalue > 1e-3


def test_slices_are_what_stands_at_the_offset():
    first, second = bank.slices("normal", torch.tensor([100, 103]), 50)
    assert torch.equal(first[3:], second[:-3])


def test_offsets_cover_the_bank_and_never_leave_it():
    n = 1000
    last = bank.offsets(np.array([0.0, 1 - 2.0**-32]), n)
    assert last.tolist() == [0, bank.length(n) - n]
    assert bank.length(3 * 512 * 512) >= 4 * 3 * 512 * 512
