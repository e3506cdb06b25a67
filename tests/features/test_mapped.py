from __future__ import annotations

import numpy as np
import pytest
import torch

from vesalius.features.mapped import Mapped

SHARDS = [torch.arange(6.0).reshape(3, 2), torch.arange(10.0, 18.0).reshape(4, 2)]
ROWS = Mapped(SHARDS, np.array([1, 0, 1]), np.array([3, 0, 1]))
WHOLE = torch.tensor([[16.0, 17.0], [0.0, 1.0], [12.0, 13.0]])


def test_rows_come_from_where_they_lie() -> None:
    assert len(ROWS) == 3
    assert ROWS.shape == (3, 2)
    torch.testing.assert_close(ROWS[:], WHOLE)
    torch.testing.assert_close(ROWS[np.array([2, 0])], WHOLE[[2, 0]])
    torch.testing.assert_close(ROWS[torch.tensor([True, False, True])], WHOLE[[0, 2]])


def test_what_is_taken_is_mapped_still_and_a_row_that_is_none_fails() -> None:
    torch.testing.assert_close(ROWS.take(np.array([2, 1]))[:], WHOLE[[2, 1]])
    with pytest.raises(IndexError):
        ROWS[np.array([3])]


def test_a_copy_is_given() -> None:
    ROWS[:].zero_()
    torch.testing.assert_close(ROWS[:], WHOLE)
