"""Every transform is torchvision's, whatever else is in the batch."""

from __future__ import annotations

import pytest
import torch

from tests.evaluate.transformed.differences import PEERS, largest
from tests.views.batches import images
from vesalius.errors import UserError
from vesalius.evaluate.transformed.applying import applied
from vesalius.evaluate.transformed.fields import displacement
from vesalius.evaluate.transformed.transforms import TRANSFORMS

INTERPOLATED = ("rotation", "translation", "scale", "shear", "deform")
"""Where float32 rounds the places that are read: up to 1e-5 of a pixel here."""


@pytest.mark.parametrize("name", TRANSFORMS)
@pytest.mark.parametrize("channels", [1, 3])
def test_equals_torchvision(name, channels):
    transform = TRANSFORMS[name]
    x = images(2, channels, 40, 32)
    theirs = transform.parameters(compat=True)
    if channels == 1 and name == "grayscale":
        assert torch.equal(applied(x, transform, [1.0])[:, 0], x)
        return
    both = [*transform.parameters(), *theirs[:: max(1, len(theirs) // 20)]]
    assert largest(name, x, both) < (5e-5 if name in INTERPOLATED else 1e-5)


def test_every_transform_has_a_peer_and_8_bit_images_differ_by_rounding_alone():
    assert PEERS.keys() == TRANSFORMS.keys()
    stored = (images(1, 3, 32, 32) * 255).round().byte()
    steps = {name: 255 * largest(name, stored / 255, TRANSFORMS[name].parameters(), stored) for name in TRANSFORMS}
    factors = ("contrast", "saturation", "sharpness")  # which multiply the rounding of a mean, a grey or a blur
    assert max(value for name, value in steps.items() if name not in factors) < 1.01
    assert steps["h_flip"] == steps["equalize"] == 0


@pytest.mark.parametrize("name", TRANSFORMS)
def test_the_identity_changes_nothing_and_any_other_parameter_something(name):
    transform = TRANSFORMS[name]
    x = images(2, 3, 32, 32)
    before = x.clone()
    still, *moved = applied(x, transform, [transform.identity, *transform.parameters()]).unbind(1)
    assert torch.equal(still, x)
    assert torch.equal(x, before)
    # The least blur is 0.08 of these pixels wide.
    assert all((one - x).abs().max() > 1e-3 for one in moved[6 * (name == "blur") :])


@pytest.mark.parametrize("name", TRANSFORMS)
def test_images_and_parameters_do_not_mix(name):
    transform = TRANSFORMS[name]
    x = images(3, 3, 24, 24)
    some = transform.parameters()[:3]
    whole = applied(x, transform, some)
    assert whole.shape == (3, len(some), 3, 24, 24)
    for i in range(3):
        for j, one in enumerate(some):
            torch.testing.assert_close(applied(x[i : i + 1], transform, [one])[0, 0], whole[i, j], atol=1e-6, rtol=0)


def test_fields_are_the_same_at_every_size_and_as_large_as_they_say():
    some = tuple((0.03, 0.08, float(number)) for number in range(12))
    small, large = displacement(some, (64, 64)), displacement(some, (128, 128))
    assert torch.equal(displacement(some[3:4], (64, 64))[0], small[3])
    pooled = torch.nn.functional.avg_pool2d(large.movedim(-1, 1), 2).movedim(1, -1)
    assert (pooled - small).abs().max() < 0.002
    assert abs(float(small.square().mean().sqrt()) / 0.06 - 1) < 0.1  # 2 is the whole side
    assert (small[0] - small[1]).abs().max() > 0.05
    rough = displacement(((0.03, 0.02, 0.0),), (64, 64))
    assert rough.diff(dim=1).square().mean() > 4 * small[:1].diff(dim=1).square().mean()


def test_volumes_and_colours_that_are_none_are_refused():
    with pytest.raises(UserError, match="are for images"):
        applied(torch.rand(1, 1, 4, 4, 4), TRANSFORMS["invert"], [1.0])
    with pytest.raises(UserError, match="hue is defined for images of 1 or 3 channels, and these have 2"):
        applied(torch.rand(1, 2, 4, 4), TRANSFORMS["hue"], [0.2])
