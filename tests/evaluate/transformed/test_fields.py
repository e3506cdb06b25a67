from __future__ import annotations

import torch

from vesalius.evaluate.transformed.fields import displacement


def test_a_field_is_the_same_at_every_call_and_size() -> None:
    small, large = (displacement(((0.05, 0.1, 0.0),), (side, side)) for side in (32, 64))
    torch.testing.assert_close(small, displacement(((0.05, 0.1, 0.0),), (32, 32)))
    halved = torch.nn.functional.avg_pool2d(large.movedim(-1, 1), 2).movedim(1, -1)
    torch.testing.assert_close(small, halved, atol=2e-3, rtol=0)


def test_amplitude_is_the_root_mean_square_in_units_of_half_a_side() -> None:
    one, two = displacement(((0.05, 0.1, 0.0), (0.1, 0.1, 0.0)), (256, 256))
    torch.testing.assert_close(two, 2 * one)
    torch.testing.assert_close(one.square().mean((0, 1)).sqrt(), torch.full((2,), 0.1), atol=0.025, rtol=0)


def test_numbers_are_different_fields() -> None:
    one, two = displacement(((0.05, 0.1, 0.0), (0.05, 0.1, 1.0)), (32, 32))
    assert not torch.allclose(one, two)
