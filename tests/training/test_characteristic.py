"""Sums of cosines and sines by powers equal those taken one by one, with their gradient."""

from __future__ import annotations

import pytest
import torch

from vesalius.training.characteristic import cosine_and_sine_sums


def plain(x: torch.Tensor, step: float, knots: int) -> torch.Tensor:
    angles = x * (step * torch.arange(knots, dtype=x.dtype)).view(-1, 1, 1, 1)
    return torch.stack([angles.cos().sum(2), angles.sin().sum(2)])


def samples(kind: torch.dtype, rows: int = 6) -> torch.Tensor:
    return (2 * torch.randn(2, rows, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)).to(kind).requires_grad_()


@pytest.mark.parametrize(("kind", "within"), [(torch.float64, 1e-12), (torch.float32, 1e-5)])
@pytest.mark.parametrize("knots", [1, 2, 17])
def test_equal_the_plain_sums(kind: torch.dtype, within: float, knots: int) -> None:
    x = samples(kind)
    ours, theirs = cosine_and_sine_sums(x, 0.19, knots), plain(x, 0.19, knots)
    torch.testing.assert_close(ours, theirs, rtol=within, atol=within)
    weights = torch.randn(ours.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64).to(kind)
    mine, other = (torch.autograd.grad((sums * weights).sum(), x)[0] for sums in (ours, theirs))
    torch.testing.assert_close(mine, other, rtol=10 * within, atol=10 * within)


def test_gradcheck_and_no_samples() -> None:
    assert torch.autograd.gradcheck(lambda x: cosine_and_sine_sums(x, 0.3, 5), (samples(torch.float64),))
    assert cosine_and_sine_sums(samples(torch.float32, 0), 0.3, 4).abs().sum() == 0
