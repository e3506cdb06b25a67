from __future__ import annotations

import numpy as np
import torch
from scipy import stats

from vesalius.views import bank


def test_numbers_follow_their_law():
    numbers = bank.slices(torch.tensor([0, 700_000]), 20_000)
    assert numbers.shape == (2, 20_000)
    assert stats.kstest(numbers.numpy().ravel(), stats.norm().cdf).pvalue > 1e-3


def test_slices_are_what_stands_at_the_offset():
    first, second = bank.slices(torch.tensor([100, 103]), 50)
    assert torch.equal(first[3:], second[:-3])


def test_corners_keep_small_windows_inside_the_bank():
    canvas = np.array([[100.0, 2000.0]])
    first, last = (bank.corners(np.full((1, 2, 2), u), canvas)[0] for u in (0.0, 1 - 2.0**-32))
    assert first.tolist() == [[0, 0], [0, 0]]
    assert last.tolist() == [[bank.SIDE - 100, bank.SIDE // 2]] * 2


def test_offsets_cover_the_bank_and_never_leave_it():
    n = 1000
    last = bank.offsets(np.array([0.0, 1 - 2.0**-32]), n)
    assert last.tolist() == [0, bank.length(n) - n]
    assert bank.length(3 * 512 * 512) >= 4 * 3 * 512 * 512
