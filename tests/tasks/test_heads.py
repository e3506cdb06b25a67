from __future__ import annotations

import pytest
import torch

from tests.tasks.cases import TASKS, features
from vesalius.tasks import heads, losses


@pytest.mark.parametrize("kind", TASKS)
def test_a_new_head_knows_nothing_and_says_so(kind: str) -> None:
    x, y = features(kind)
    head = heads.build(TASKS[kind], 6, y)
    found = head.probabilities(head(x))
    assert torch.equal(found, found[:1].expand_as(found)), "weights start at zero"
    if kind == "regression":
        torch.testing.assert_close(found[0, 0], y.mean())
        torch.testing.assert_close(head.probabilities(head.to_target(y)[:, None])[:, 0], y)
    elif kind == "multilabel":
        assert found.unique().tolist() == [0.5]
    else:
        torch.testing.assert_close(found.sum(1), torch.ones(len(x)))


@pytest.mark.parametrize("kind", TASKS)
def test_every_parameter_learns(kind: str) -> None:
    x, y = features(kind)
    head = heads.build(TASKS[kind], 6, y)
    torch.autograd.backward(losses.of(TASKS[kind].kind, head(x), head.to_target(y), None).mean())
    assert all(p.grad is not None and bool(p.grad.any()) for p in head.parameters())


def test_constant_quantities_do_not_divide_by_zero() -> None:
    head = heads.build(TASKS["regression"], 2, torch.full((3,), 7.0))
    assert head.to_target(torch.tensor([7.0])).isfinite().all()
