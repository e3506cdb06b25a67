from __future__ import annotations

import numpy as np
import pytest
import torch

from vesalius.evaluate.perturbed.perturbations import ALL, Perturbation, disturbed, named

IDS = np.arange(400, dtype=np.uint64)


@pytest.mark.parametrize("one", ALL, ids=lambda one: one.name)
def test_strengths_grow_from_what_is_hardly_seen(one: Perturbation) -> None:
    assert len(one.strengths) == 5
    assert one.facts()["strengths"] == list(one.strengths)
    torch.manual_seed(0)
    volume = torch.nn.functional.interpolate(torch.rand(1, 1, 6, 6, 6), size=(24, 24, 24), mode="trilinear")[0]
    apart = [float((disturbed(volume, one.steps(strength, 3)[0], 3, 0) - volume).abs().mean()) for strength in (one.strengths[0], one.strengths[-1])]
    assert 0 < apart[0] < apart[1]


@pytest.mark.parametrize("one", ALL, ids=lambda one: one.name)
def test_each_image_goes_one_way_at_every_strength(one: Perturbation) -> None:
    ways = len(one.steps(one.strengths[0], 2))
    which = one.which(IDS, 0)
    assert set(which.tolist()) == set(range(ways))
    np.testing.assert_array_equal(which, one.which(IDS, 0))
    if ways > 1:
        assert (which != one.which(IDS, 1)).any()


def test_the_same_image_is_disturbed_alike_and_another_otherwise() -> None:
    volume, step = torch.full((1, 8, 8, 8), 0.5), ALL[0].steps(0.1, 3)[0]
    assert torch.equal(disturbed(volume, step, 3, 0), disturbed(volume, step, 3, 0))
    assert not torch.equal(disturbed(volume, step, 3, 0), disturbed(volume, step, 4, 0))
    assert bool((volume == 0.5).all())


def test_names_choose_in_our_order() -> None:
    assert [one.name for one in named(("blur", "noise"))] == [one.name for one in ALL if one.name in ("blur", "noise")]
