from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.views.batches import chance, change, images
from vesalius.views.operations.bias_field import BiasField


@pytest.mark.parametrize("size", [(32, 24), (20, 16, 12)])
def test_the_field_is_smooth_and_as_strong_as_asked_for(size: tuple[int, ...]):
    operation = BiasField(p=1, strength=0.5)
    values = operation.draw(chance(8), 1, size)
    flat = torch.full((8, 2, *size), 0.5)
    field = (change(operation, flat, values) / 0.5).log()
    highest = field.abs().flatten(1).amax(1)
    assert (highest > 0.45).all()
    assert (highest < 0.56).all(), "the largest value is looked for on a coarse grid"
    assert torch.equal(field[:, 0], field[:, 1]), "all channels alike"
    for axis in range(2, field.ndim):
        assert field.diff(dim=axis).abs().max() < 3 * 2 * 0.56 * 6 / size[axis - 2], "a polynomial of degree 3 has no steps"


def test_nothing_changes_at_strength_0_or_where_it_does_not_happen():
    x = images(40, 1, 9, 8)
    operation = BiasField(p=0.5, strength=0.4)
    values = operation.draw(chance(40), 1, (9, 8))
    same = torch.isclose(change(operation, x, values), x).flatten(1).all(1).numpy()
    assert (same == (values["weights"] == 0).all(1)).all()
    assert 0.2 < same.mean() < 0.8
    assert not BiasField(p=1, strength=0).draw(chance(4), 1, (9, 8))["weights"].any()


def test_the_field_of_a_sample_does_not_depend_on_the_size():
    operation = BiasField(p=1, strength=0.5)
    values = operation.draw(chance(2), 1, (33, 33))
    coarse = change(operation, torch.full((2, 1, 17, 17), 0.5), values)
    np.testing.assert_allclose(change(operation, torch.full((2, 1, 33, 33), 0.5), values)[..., ::2, ::2], coarse, atol=1e-5)
