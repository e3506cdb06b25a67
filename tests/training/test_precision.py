"""Which numbers a step is computed in, and that losses are never cast."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from vesalius.errors import UserError
from vesalius.training import precision
from vesalius.training.precision import autocast_type, fp32

CPU = torch.device("cpu")


def test_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    assert autocast_type("fp32", CPU) is None
    assert autocast_type("bf16", CPU) is torch.bfloat16
    monkeypatch.setattr(precision, "_fast_bf16", lambda: False)
    assert autocast_type("auto", CPU) is None, "emulated bf16 is slower than fp32"
    assert autocast_type("auto", torch.device("mps")) is None
    with pytest.raises(UserError, match="one of auto, fp32, bf16"):
        autocast_type("fp16", CPU)


@fp32
def product(a: Tensor, b: Tensor, scale: float = 1.0) -> Tensor:
    return (a @ b.T) / scale


def test_a_loss_is_computed_in_single_precision_under_autocast() -> None:
    a, b = torch.randn(8, 64, dtype=torch.bfloat16), torch.randn(8, 64, dtype=torch.bfloat16)
    exact = a.double() @ b.double().T / 0.005
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = product(a, b=b, scale=0.005)
        cast = (a @ b.T) / 0.005
    assert found.dtype == torch.float32
    torch.testing.assert_close(found.double(), exact, rtol=1e-5, atol=1e-2)
    assert (cast.double() - exact).abs().max() > 10 * (found.double() - exact).abs().max()


def test_double_precision_stays_and_gradients_flow() -> None:
    a = torch.randn(2, 3, dtype=torch.float64, requires_grad=True)
    assert product(a, a).dtype == torch.float64
    narrow = torch.randn(2, 3, dtype=torch.bfloat16, requires_grad=True)
    product(narrow, narrow).sum().backward()
    assert narrow.grad is not None
    assert narrow.grad.dtype == torch.bfloat16
    assert product.__name__ == "product"
