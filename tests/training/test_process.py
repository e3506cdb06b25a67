"""What a training sets for its process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from vesalius.errors import UserError
from vesalius.training.process import settle


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    threads, deterministic = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    yield
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(deterministic)


def test_threads_and_deterministic_kernels_are_set_and_taken_back() -> None:
    settle("cpu", 1, True)
    assert torch.get_num_threads() == 1
    assert torch.are_deterministic_algorithms_enabled()
    settle("cpu", None, False)
    assert torch.get_num_threads() == 1
    assert not torch.are_deterministic_algorithms_enabled()


def test_a_device_that_is_not_there_is_refused_before_anything_is_set() -> None:
    before = torch.get_num_threads()
    with pytest.raises(UserError):
        settle("cuda:99", before + 1, True)
    assert torch.get_num_threads() == before
    assert not torch.are_deterministic_algorithms_enabled()
