from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from vesalius.encoders import build_encoder
from vesalius.errors import UserError
from vesalius.evaluate.reconstructed import inverting, state
from vesalius.evaluate.reconstructed.inverting import Fit, invert
from vesalius.evaluate.reconstructed.layers import features, frozen, module_of

SHORT = Fit("layer1", iterations=20)


@pytest.fixture(scope="module")
def encoder():
    return build_encoder("resnet18", channels=3, size=(32, 32), width=0.0625).eval()


@pytest.fixture(scope="module")
def images():
    small = torch.rand(3, 3, 4, 4, generator=torch.Generator().manual_seed(1))
    return torch.nn.functional.interpolate(small, (32, 32), mode="bilinear")


@pytest.fixture(scope="module")
def found(encoder, images):
    return invert(encoder, images[:2], [1, 2], SHORT)


def test_the_error_falls_and_the_nearest_picture_is_kept(encoder, images, found):
    assert found.errors.shape == (20, 2)
    assert (found.errors[-1] < 0.7 * found.errors[0]).all()
    assert SHORT.shown_at == [1, 2, 3, 4, 7, 12, 20]
    assert found.frames.shape == (7, 2, 3, 32, 32)
    assert torch.equal(found.frames[-1], (found.images.clamp(0, 1) * 255).round().byte())
    with torch.no_grad():
        off = (features(encoder, found.images, "layer1") - features(encoder, images[:2], "layer1")).square().flatten(1).sum(1)
    size = features(encoder, images[:2], "layer1").square().flatten(1).sum(1)
    torch.testing.assert_close(off / size, found.errors.min(0).values, rtol=1e-4, atol=1e-6)


def test_together_and_in_turn_are_the_same(encoder, images, found):
    alone = [invert(encoder, images[n : n + 1], [n + 1], SHORT) for n in range(2)]
    errors = torch.cat([one.errors for one in alone], 1)
    torch.testing.assert_close(found.errors[0], errors[0], rtol=1e-5, atol=0)
    # Adam divides gradients by their own size, so that the last digit of small ones grows from step to step
    torch.testing.assert_close(found.errors, errors, rtol=0.05, atol=0)


def test_a_fit_is_over_once_its_error_is_small_enough(encoder, images, found):
    enough = float(found.errors[:10].min(0).values.max()) * 1.001
    over = invert(encoder, images[:2], [1, 2], replace(SHORT, until=enough))
    torch.testing.assert_close(over.errors[:10], found.errors[:10], rtol=0, atol=0)
    assert over.errors[10:].isnan().all()
    assert torch.equal(over.frames[-1], (over.images.clamp(0, 1) * 255).round().byte())


def test_a_fit_that_was_killed_goes_on_bit_for_bit(encoder, images, found, tmp_path):
    kept = state.Kept(tmp_path / "fit.state", "this")

    class Killed(Exception):
        pass

    saved = state.save

    def kill(*given):
        saved(*given)
        if given[1] == 14:
            raise Killed

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(state, "save", kill)
        with pytest.raises(Killed):
            invert(encoder, images[:2], [1, 2], SHORT, kept=kept, saved_every=7)
    assert state.done(kept) == 14
    assert state.done(state.Kept(kept.file, "other")) == 0
    again = invert(encoder, images[:2], [1, 2], SHORT, kept=kept, saved_every=7)
    assert torch.equal(again.errors, found.errors)
    assert torch.equal(again.images, found.images)
    assert torch.equal(again.frames, found.frames)
    kept.file.write_bytes(kept.file.read_bytes()[:1000])  # half a file is none
    assert state.done(kept) == 0


def test_the_encoder_stays_in_evaluation_mode_and_as_it_was(images):
    encoder = build_encoder("resnet18", channels=3, size=(32, 32), width=0.0625).train()
    before = {name: tensor.clone() for name, tensor in encoder.state_dict().items()}
    modes: set[bool] = set()
    for module in encoder.modules():
        module.register_forward_hook(lambda module, *_: modes.update(one.training for one in module.modules()))
    invert(encoder, images[:1], [1], Fit("layer4", iterations=2))
    assert modes == {False}
    assert all(module.training for module in encoder.modules())
    assert all(parameter.requires_grad and parameter.grad is None for parameter in encoder.parameters())
    assert all(torch.equal(tensor, before[name]) for name, tensor in encoder.state_dict().items())


def test_maps_tokens_and_vectors_can_be_inverted_and_the_maps_module_is_named(encoder, images):
    with torch.no_grad():
        assert features(encoder, images, "map").shape[:2] == features(encoder, images, "layer4").shape[:2]
        assert features(encoder, images, "pooled").ndim == 2
        assert features(encoder, images, "tokens").ndim == 3
        assert module_of(encoder, images, "map") == "layer4"
        assert module_of(encoder, images, "layer2.0.conv1") == "layer2.0.conv1"
    vector = invert(encoder, images[:1], [1], Fit("pooled", iterations=3))
    assert vector.errors.isfinite().all()
    with frozen(encoder):
        assert not any(parameter.requires_grad for parameter in encoder.parameters())


def test_what_cannot_be_inverted_is_one_paragraph(encoder, images):
    with pytest.raises(UserError, match="has no layer 'layer9'"):
        features(encoder, images, "layer9")
    silent = build_encoder("resnet18", channels=3, size=(32, 32), width=0.0625).eval()
    for parameter in silent.parameters():
        torch.nn.init.zeros_(parameter)
    with pytest.raises(UserError, match="all zero or not finite"):
        invert(silent, images[:1], [1], SHORT)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(inverting, "feature_error", lambda found, true: torch.full((len(found),), torch.nan))
        with pytest.raises(UserError, match=r"painted images .* is not finite"):
            invert(encoder, images[:1], [1], Fit("layer1", 2))
