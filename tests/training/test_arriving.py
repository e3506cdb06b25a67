"""Numbers on their way: what is read is what was asked for."""

import pytest
import torch

from tests.devices import DEVICES
from vesalius.training.arriving import Arriving


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("value", [torch.tensor(True), torch.tensor(2.5), torch.arange(6.0).view(2, 3)])
def test_what_is_read_is_what_was_asked_for(device: str, value: torch.Tensor) -> None:
    there = value.to(device)
    coming = Arriving(there)
    later = there.double() if device != "mps" else there.float()  # work that is queued behind it
    assert torch.equal(coming.read().cpu(), value)
    assert torch.equal(coming.read().cpu(), value), "it may be read again"
    assert later.shape == value.shape


def test_it_holds_no_graph() -> None:
    assert not Arriving(torch.ones(2, requires_grad=True) * 2).read().requires_grad
