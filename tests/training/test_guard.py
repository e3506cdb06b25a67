"""A refused step leaves no trace, looked at at once or one step late."""

import pytest
import torch
from torch import nn

from vesalius.training.guard import Guard


@pytest.mark.parametrize("late", [False, True])
def test_running_statistics_go_back(late: bool) -> None:
    module = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    guard = Guard(module, late)
    refused = None
    for step in range(4):
        guard.before_forward()
        if step == 2:
            before = {k: v.clone() for k, v in module.state_dict().items()}
        bad = step == 2
        module(torch.randn(5, 3) * (float("nan") if bad else 1.0))
        refused = guard.judge(step, torch.tensor(not bad), {"loss": torch.tensor(1.0)})
        if refused:
            assert step == (3 if late else 2)
            break
    assert refused is not None
    assert refused.step == 2
    assert all(torch.equal(v, before[k]) for k, v in module.state_dict().items())


def test_what_is_held_is_settled_before_a_checkpoint() -> None:
    module = nn.BatchNorm1d(2)
    guard = Guard(module, late=True)
    guard.before_forward()
    assert guard.judge(0, torch.tensor(False), {}) is None
    refused = guard.settle()
    assert refused is not None
    assert guard.settle() is None
