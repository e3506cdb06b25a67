from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.views.batches import ids, images, run, stored
from vesalius import views
from vesalius.data.pixels import Pixels
from vesalius.errors import UserError
from vesalius.views import bank, pipeline
from vesalius.views.batch import Draws

EVERYTHING = [
    {"affine": {"degrees": 20, "shear": 5, "p": 0.5}},
    {"random_resized_crop": {"scale": [0.2, 1.0]}},
    "horizontal_flip",
    {"colour_jitter": {"brightness": 0.4, "contrast": 0.4, "saturation": 0.4, "hue": 0.1, "p": 0.8}},
    {"greyscale": {"p": 0.3}},
    {"gamma": {"p": 0.5}},
    "gaussian_blur",
    "noise",
    "erasing",
    "solarise",
    {"elastic": {"alpha": 8, "sigma": 3}},
]


def ragged(n=24, channels=3, seed=0, low=20, high=90):
    extents = np.random.default_rng(seed).integers(low, high, (n, 2))
    return stored(images(n, channels, *extents.max(0)), extents)


def part(pixels: Pixels, rows) -> Pixels:
    return Pixels(pixels.data[rows], pixels.extents[rows], pixels.scale[rows], pixels.offset[rows])


def recipe(operations=EVERYTHING, count=2, size=32):
    return {"global": {"count": count, "size": size, "operations": operations}}


@pytest.mark.parametrize("size", [32, 56])
@pytest.mark.parametrize("rotated", [True, False])
def test_views_are_a_pure_function(size, rotated):
    made = views.load(recipe(EVERYTHING[0 if rotated else 1 :], size=size), 3)
    pixels = ragged()
    first, second = run(made, pixels, seed=3, epoch=1), run(made, pixels, seed=3, epoch=1)
    assert torch.equal(first.views["global"], second.views["global"])
    for other in (run(made, pixels, seed=4, epoch=1), run(made, pixels, seed=3, epoch=2)):
        assert (other.views["global"] - first.views["global"]).abs().mean() > 0.01
    assert (first.views["global"][0] - first.views["global"][1]).abs().mean() > 0.01


@pytest.mark.parametrize("size", [32, 56])
@pytest.mark.parametrize("rotated", [True, False])
def test_what_else_is_in_the_batch_changes_nothing(size, rotated, monkeypatch):
    made = views.load(recipe(EVERYTHING[0 if rotated else 1 :], size=size), 3)
    pixels, keys = ragged(), ids(24)
    whole = run(made, pixels, keys=keys).views["global"]
    rows = [17, 3, 20, 8, 5]
    some = run(made, part(pixels, rows), keys=keys[rows]).views["global"]
    assert (some - whole[:, rows]).abs().max() < 2e-5
    monkeypatch.setattr(pipeline, "CHUNK", 3 * size * size * 5)
    assert (run(made, pixels, keys=keys).views["global"] - whole).abs().max() < 2e-5


def test_draws_of_one_sample_do_not_depend_on_the_others():
    made = views.load(recipe(), 3)
    keys, extents = ids(30), np.random.default_rng(0).integers(20, 90, (30, 2))
    all_ = made.draw(1, 2, np.arange(30), keys, extents, draw=np.arange(30))
    one = made.draw(1, 2, np.array([7]), keys[7:8], extents[7:8], draw=np.array([7]))
    assert all_.values.keys() == one.values.keys()
    for name, value in all_.values.items():
        assert value.shape[:2] == (2, 30)
        np.testing.assert_array_equal(value[:, 7:8], one.values[name])
    np.testing.assert_array_equal(all_.windows[7], one.windows[0])
    np.testing.assert_array_equal(all_.rows, np.arange(30)[:, None])


def test_repeated_draws_of_a_sample_differ():
    made = views.load(recipe(["random_resized_crop"]), 3)
    same = np.full(8, 5, np.uint64)
    draws = made.draw(0, 0, np.zeros(8, np.int64), same, np.full((8, 2), 200), draw=np.arange(8))
    assert len(np.unique(draws.values["global/0-random_resized_crop/box"].reshape(16, 4), axis=0)) == 16


@given(
    channels=st.sampled_from([1, 3, 5]),
    size=st.integers(5, 70),
    low=st.integers(4, 40),
    seed=st.integers(0, 10_000),
    rotated=st.booleans(),
)
@settings(max_examples=25, deadline=None)
def test_values_stay_between_black_and_white(channels, size, low, seed, rotated):
    chosen = [
        op for op in EVERYTHING[0 if rotated else 1 :] if channels != 5 or (op != EVERYTHING[3] and op != EVERYTHING[4])
    ]
    made = views.load(recipe(chosen, size=size), channels)
    out = run(made, ragged(6, channels, seed, low, low + 50), seed=seed).views["global"]
    assert out.shape == (2, 6, channels, size, size)
    assert out.dtype == torch.float32
    assert out.isfinite().all()
    assert out.min() >= -1e-6
    assert out.max() <= 1 + 1e-6


@pytest.mark.parametrize("size", [32, 56])
def test_crops_never_see_padding(size):
    pixels = ragged()
    black = Pixels(torch.zeros_like(pixels.data), *(getattr(pixels, k) for k in ("extents", "scale", "offset")))
    for i, (height, width) in enumerate(pixels.extents[:, 0].tolist()):
        black.data[i, :, :, height:] = 255
        black.data[i, :, :, :, width:] = 255
    for operations in (
        ["random_resized_crop", "horizontal_flip"],
        ["resize"],
        [],
        [{"resize": {"shorter": 64}}, "centre_crop"],
    ):
        assert run(views.load(recipe(operations, size=size), 3), black).views["global"].abs().max() < 1e-5


@pytest.mark.parametrize("level", [0.0, 0.4, 1.0])
def test_constant_images_give_numbers(level):
    flat = stored(torch.full((8, 3, 40, 40), level))
    assert run(views.load(recipe(), 3), flat).views["global"].isfinite().all()


def test_integers_of_all_types_become_the_same_picture():
    x = images(4, 3, 50, 44)
    made = views.load(recipe(["random_resized_crop"]), 3)
    base = run(made, stored(x)).views["global"]
    for kind in (torch.uint16, torch.int16):
        assert (run(made, stored(x, dtype=kind)).views["global"] - base).abs().max() < 1 / 255


@pytest.mark.parametrize("size", [32, 56])
@pytest.mark.parametrize("operations", [["random_resized_crop"], [{"affine": {"degrees": 5, "outside": "edge"}}]])
def test_scale_and_offset_give_physical_values(size, operations):
    pixels = replace(stored(images(4, 1, 70, 60)), scale=torch.full((4, 1), 2.0), offset=torch.full((4, 1), -300.0))
    made = views.load(recipe(operations, size=size), 1)
    plain = run(made, replace(pixels, scale=torch.ones(4, 1), offset=torch.zeros(4, 1))).views["global"]
    assert (run(made, pixels).views["global"] - (plain * 2 - 300)).abs().max() < 1e-3


def test_hand_made_draws_are_applied():
    x = images(2, 3, 40, 40)
    made = views.load(recipe(["random_resized_crop", "horizontal_flip"], count=1, size=16), 3)
    windows = np.tile(np.array([[[0, 0], [40, 40]]]), (2, 1, 1, 1))
    values = {
        "global/0-random_resized_crop/box": np.array([[[3, 5, 16, 16], [20, 24, 16, 16]]]),
        "global/1-horizontal_flip/on": np.array([[False, True]]),
    }
    pixels = stored(x)
    out = made.apply(pixels, Draws(np.arange(2)[:, None], windows, values)).views["global"][0]
    plain = pixels.data[:, 0] / 255
    assert (out[0] - plain[0, :, 3:19, 5:21]).abs().max() < 1e-5
    assert (out[1] - plain[1, :, 20:36, 24:40].flip(-1)).abs().max() < 1e-5


def test_affine_maps_are_handed_to_the_loss():
    """Sampling a ramp of coordinates by the drawn map gives the map's own coordinates."""
    y, x = torch.meshgrid(torch.arange(64), torch.arange(64), indexing="ij")
    pixels = stored(torch.stack([x, y]).float()[None].repeat(5, 1, 1, 1) / 255)
    made = views.load(recipe([{"random_resized_crop": {"scale": (0.5, 0.9)}}, "horizontal_flip"], size=32), 2)
    batch = run(made, pixels)
    theta = batch.drawn["affine/global"]
    assert theta.shape == (2, 5, 2, 3)
    grid = torch.nn.functional.affine_grid(theta.flatten(0, 1), [10, 1, 32, 32], align_corners=False)
    place = ((grid + 1) * 32 - 0.5).permute(0, 3, 1, 2).unflatten(0, (2, 5))
    seen = batch.views["global"] * 255
    assert (seen - place)[..., 2:-2, 2:-2].abs().max() < 0.1


def test_shared_operations_are_drawn_once_and_done_in_every_group():
    tree = {
        "shared": [{"random_resized_crop": {"scale": [0.3, 0.5]}}],
        "global": {"count": 2, "size": 24, "operations": [{"noise": {"p": 1.0}}]},
        "clean": {"count": 1, "size": 24, "operations": []},
        "local": {"count": 3, "size": 12, "operations": [{"horizontal_flip": {"p": 1.0}}]},
    }
    made = views.load(tree, 3)
    assert dict(made.makes) == {"global": (2, (24, 24)), "clean": (1, (24, 24)), "local": (3, (12, 12))}
    pixels = ragged(6)
    draws = made.draw(0, 0, np.arange(6), ids(6), pixels.extents[:, 0].numpy())
    assert draws.values["shared/0-random_resized_crop/box"].shape == (1, 6, 4)
    batch = made.apply(pixels, draws)
    clean = batch.views["clean"]
    assert batch.views["global"].shape == (2, 6, 3, 24, 24)
    assert 0 < (batch.views["global"] - clean).abs().mean() < 0.06
    assert not torch.equal(batch.views["global"][0], batch.views["global"][1])
    halved = torch.nn.functional.interpolate(clean[0], (12, 12), mode="bilinear", antialias=True).flip(-1)
    assert (batch.views["local"] - halved).abs().mean() < 0.03
    assert torch.equal(batch.views["local"][0], batch.views["local"][2])


def test_images_of_another_size_are_scaled_and_cut_in_the_middle():
    pixels = stored(images(3, 1, 30, 40))
    out = run(views.load(recipe([], count=1, size=15), 1), pixels).views["global"][0]
    want = torch.nn.functional.interpolate(pixels.data[:, 0] / 255, (15, 20), mode="bilinear", antialias=True)
    assert (out - want[..., 2:17]).abs().max() < 1e-5


def test_no_gradient_is_kept():
    assert not run(views.load(recipe(), 3), ragged()).views["global"].requires_grad


def test_another_number_of_channels_is_refused():
    with pytest.raises(UserError, match="3 channels and got 1"):
        run(views.load(recipe(), 3), ragged(2, 1))


def test_drawing_takes_microseconds():
    made = views.load("simclr", 3)
    keys, extents = ids(2048), np.full((2048, 2), 256)
    made.draw(0, 0, np.arange(2048), keys, extents)
    times = []
    for epoch in range(5):
        start = time.process_time()
        made.draw(0, epoch, np.arange(2048), keys, extents)
        times.append(time.process_time() - start)
    assert min(times) < 0.2


def test_a_network_s_precision_is_not_that_of_its_views():
    made, pixels = views.load(recipe([*EVERYTHING[:-1], {"elastic": {"alpha": 8, "sigma": 3, "p": 1.0}}]), 3), ragged(6)
    alone = run(made, pixels).views["global"]
    bank.smooth.cache_clear()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = run(made, pixels).views["global"]
    assert bank.smooth(3.0, torch.device("cpu")).dtype == inside.dtype == torch.float32
    assert torch.equal(alone, inside)
