"""Rows of all ranks: in rank order, uneven, and with the gradient one process would have."""

from __future__ import annotations

import torch

from tests.training.test_world import ranks
from vesalius.training.gather import first_row, gather, total, world_size
from vesalius.training.world import World

COUNTS = (2, 0, 3)
WHOLE = torch.linspace(-1, 1, 20, dtype=torch.float64).view(5, 4)


def test_one_process_gathers_itself() -> None:
    x = torch.rand(3, 2)
    assert gather(x) is x
    assert (first_row(x), world_size()) == (0, 1)


def test_uneven_rows_and_their_gradient() -> None:
    weight = torch.arange(25, dtype=torch.float64).view(5, 5).sin()
    alone = WHOLE.clone().requires_grad_()
    ((alone @ alone.T) * weight).sum().backward()

    def work(here: World) -> None:
        start = sum(COUNTS[: here.rank])
        mine = WHOLE[start : start + COUNTS[here.rank]].clone().requires_grad_()
        every = gather(mine)
        assert torch.equal(every, WHOLE)
        assert first_row(mine) == start
        # each rank adds its rows' share of the loss; the sum over ranks is the whole
        ((mine @ every.T) * weight[start : start + len(mine)]).sum().backward()
        assert alone.grad is not None
        torch.testing.assert_close(mine.grad, alone.grad[start : start + len(mine)])

    assert ranks(3, work) == [0, 0, 0]


def test_types_and_shapes() -> None:
    def work(here: World) -> None:
        numbers = torch.full((here.rank + 1,), here.rank, dtype=torch.int64)
        assert gather(numbers).tolist() == [0, 1, 1]
        assert gather(torch.zeros(1, 2, 3, 4, dtype=torch.bfloat16)).shape == (2, 2, 3, 4)

    assert ranks(2, work) == [0, 0]


def test_total_is_the_sum_and_leaves_its_argument_alone() -> None:
    x = torch.rand(3, requires_grad=True)
    assert torch.equal(total(x), x)
    assert not total(x).requires_grad

    def work(here: World) -> None:
        mine = torch.tensor([1.0, float(here.rank)], requires_grad=True)
        assert total(mine).tolist() == [3.0, 3.0]
        assert mine.tolist() == [1.0, float(here.rank)]

    assert ranks(3, work) == [0, 0, 0]
