from __future__ import annotations

import pytest
import torch

from vesalius.data.record_store import memory


def test_memory_is_used_again_where_it_is_large_enough_and_of_the_type() -> None:
    used = torch.zeros(4, 6, dtype=torch.uint8)
    again = memory((2, 3), torch.uint8, used)
    assert again.data_ptr() == used.data_ptr()
    assert again.shape == (2, 3)


@pytest.mark.parametrize("used", [None, torch.zeros(5, dtype=torch.uint8), torch.zeros(99), torch.zeros(9, 8, dtype=torch.uint8).T])
def test_other_memory_is_left_alone(used: torch.Tensor | None) -> None:
    found = memory((2, 3), torch.uint8, used)
    assert (found.shape, found.dtype) == ((2, 3), torch.uint8)
    assert used is None or found.data_ptr() != used.data_ptr()
