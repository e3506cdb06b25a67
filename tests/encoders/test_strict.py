from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from vesalius.encoders.strict import fill_exactly
from vesalius.errors import UserError


def network() -> nn.Module:
    return nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2))


def tensors() -> dict[str, Tensor]:
    torch.manual_seed(1)
    return {name: torch.rand_like(value) if value.is_floating_point() else value for name, value in network().state_dict().items()}


def test_every_tensor_is_copied_in_place() -> None:
    made, given = network(), tensors()
    place = made[0].weight.data_ptr()  # type: ignore[index,union-attr,operator]
    found = fill_exactly(made, given, "file.pth")
    assert made[0].weight.data_ptr() == place  # type: ignore[index,union-attr,operator]
    assert all(torch.equal(value, given[name]) for name, value in made.state_dict().items())
    assert (found.missing, found.unexpected) == ((), ())


def test_only_a_counter_may_be_missing() -> None:
    given = tensors()
    del given["1.num_batches_tracked"]
    made = network()
    fill_exactly(made, given, "file.pth")
    assert int(made.state_dict()["1.num_batches_tracked"]) == 0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("0.bias", None),
        ("2.weight", torch.zeros(1)),
        ("0.bias", torch.zeros(3)),
        ("0.bias", torch.zeros(2, dtype=torch.int64)),
        ("0.bias", torch.full((2,), torch.nan)),
    ],
)
def test_anything_else_is_refused_by_name(name: str, value: Tensor | None) -> None:
    given = tensors()
    if value is None:
        del given[name]
    else:
        given[name] = value
    with pytest.raises(UserError, match=name):
        fill_exactly(network(), given, "file.pth")
