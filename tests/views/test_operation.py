from __future__ import annotations

import numpy as np
import torch

from tests.views.batches import CPU, chance
from vesalius.views.operation import Parameters, between
from vesalius.views.operations.gamma import Gamma


def test_chance_depends_on_every_field():
    base = chance(50)
    for other in (base.named("other", 0), base.named(base.operation, 1), chance(50, seed=8)):
        assert (base(4) != other(4)).mean() > 0.99
    np.testing.assert_array_equal(base(4), chance(50)(4))


def test_uniform_numbers_are_stretched():
    np.testing.assert_allclose(between((2.0, 4.0), np.array([0.0, 0.25, 1.0])), [2.0, 2.5, 4.0])


def test_parameters_of_some_items():
    values = {"a": np.arange(10.0), "box": np.arange(40).reshape(10, 4)}
    p = Parameters.of(values, CPU).of_items(slice(4, 8))
    assert p.device("a").flatten().tolist() == [4, 5, 6, 7]
    assert p.device("a").shape == (4, 1, 1, 1)
    some = p.chosen(np.array([0, 3]))
    assert some.host("box").tolist() == values["box"][[4, 7]].tolist()
    assert some.device("box").tolist() == values["box"][[4, 7]].tolist()


def test_only_items_that_change_are_touched():
    x = torch.rand(5, 1, 2, 2)
    gamma = np.array([1, 2, 1, 0.5, 1], np.float32)
    out = Gamma().change(x.clone(), Parameters.of({"gamma": gamma}, CPU))
    assert torch.allclose(out, x ** torch.from_numpy(gamma).view(-1, 1, 1, 1))
    assert torch.equal(out[[0, 2, 4]], x[[0, 2, 4]])
