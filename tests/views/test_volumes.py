"""Views of volumes: patches and padding, geometry by slices, by numbers and by positions alike, labels beside, one sample at a time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.views.volume_batches import Volumes, draw, make, recipe
from vesalius import views
from vesalius.errors import UserError
from vesalius.views import pipeline
from vesalius.views.frame import Frame
from vesalius.views.voxels import Voxels

EVERYTHING = [
    {"affine3d": {"p": 0.5}},
    {"random_crop": {"padding": 1}},
    "flip",
    {"rotate90": {"p": 0.6}},
    {"noise": {"clamp": "own"}},
    "gaussian_blur",
    {"gamma": {"range": "own", "p": 0.5}},
    {"contrast": {"p": 0.5}},
    {"scale_intensity": {"p": 0.5}},
    {"shift_intensity": {"p": 0.5}},
    {"paint": {"inside": {"size": [2, 6]}, "outside": {"size": [4, 9]}, "p": 0.7}},
    {"local_shuffle": {"size": 3, "count": 4}},
]
WINDOW = [{"patch": {"from": "foreground", "size": [16, 16, 16]}}]


@pytest.fixture(scope="module")
def volumes() -> Volumes:
    return Volumes.of([(20, 24, 18), (30, 17, 19), (10, 26, 9), (16, 16, 16), (12, 11, 40)])


def test_a_patch_is_the_voxels_of_its_window_between_0_and_1(volumes):
    made = views.load(recipe(), 1)
    assert (made.dims, dict(made.makes)) == (3, {"clean": (1, (12, 12, 12)), "g": (2, (12, 12, 12))})
    batch, draws = make(made, volumes)
    for row in range(5):
        start, stop = draws.windows[row, 0]
        sides = volumes.extents[row]
        assert (start >= 0).all()
        assert (stop <= sides).all()
        np.testing.assert_array_equal(stop - start, np.minimum(12, sides))
        # What is smaller than the patch lies in its middle, and is 0 around, after its intensities.
        low = -np.floor(((stop - start) - 12) / 2).astype(int)
        high = low + (stop - start)
        want = np.zeros((1, 12, 12, 12))
        box = tuple(slice(a, b) for a, b in zip(low, high))
        want[(slice(None), *box)] = volumes.seen(row, (start, stop))
        np.testing.assert_allclose(batch.views["clean"][0, row].numpy(), want, atol=2e-6)
        labels = np.zeros((12, 12, 12), np.uint8)
        labels[box] = volumes.labels[row][tuple(slice(a, b) for a, b in zip(start, stop))]
        np.testing.assert_array_equal(batch.masks["g"][1, row].numpy(), labels)
    assert torch.equal(batch.views["g"][0], batch.views["clean"][0])
    assert batch.drawn["affine/g"].shape == (2, 5, 3, 4)


def test_no_group_shares_memory_with_another(volumes):
    made = views.load(recipe({"paint": {"inside": {"size": [2, 6]}, "outside": {"size": [4, 9]}}}), 1)
    batch, _ = make(made, volumes)
    want = make(views.load(recipe(), 1), volumes)[0].views["clean"]
    batch.views["g"].fill_(7)
    assert torch.equal(batch.views["clean"], want)


def turned(x: np.ndarray, on: np.ndarray, turns: int) -> np.ndarray:
    """By numpy: mirrored, then turned in the plane of x and y."""
    for axis in np.flatnonzero(on):
        x = np.flip(x, axis + x.ndim - 3)
    return np.rot90(x, turns, (x.ndim - 3, x.ndim - 2))


@pytest.mark.parametrize("by", ["slices", "numbers"])
def test_mirrors_and_quarter_turns_are_numpys(volumes, by, monkeypatch):
    if by == "numbers":  # what devices other than the CPU do
        made_of = Voxels.__init__

        def elsewhere(self, *given):
            made_of(self, *given)
            self.on_cpu, self.data = False, self.data.float()

        monkeypatch.setattr(Voxels, "__init__", elsewhere)
    made = views.load(recipe("flip", {"rotate90": {"p": 0.8}}, count=4), 1)
    batch, draws = make(made, volumes)
    on, turns = draws.values["g/0-flip/on"], draws.values["g/1-rotate90/turns"]
    assert {0, 1, 2, 3} == set(turns.ravel())
    for view in range(4):
        for row in range(5):
            want = turned(batch.views["clean"][0, row].numpy(), on[view, row], turns[view, row])
            np.testing.assert_allclose(batch.views["g"][view, row].numpy(), want, atol=2e-6)
            labels = turned(batch.masks["clean"][0, row].numpy(), on[view, row], turns[view, row])
            np.testing.assert_array_equal(batch.masks["g"][view, row].numpy(), labels)


@pytest.mark.parametrize("axes", [(0, 1), (2, 0), (1, 2)])
def test_quarter_turns_in_every_plane(volumes, axes):
    batch, draws = make(views.load(recipe({"rotate90": {"p": 1.0, "axes": axes}}, count=3), 1), volumes)
    for view, row in np.ndindex(3, 5):
        want = np.rot90(batch.views["clean"][0, row, 0].numpy(), draws.values["g/0-rotate90/turns"][view, row], axes)
        np.testing.assert_allclose(batch.views["g"][view, row, 0].numpy(), want, atol=2e-6)


def test_positions_give_the_numbers_that_slices_give(volumes):
    """A turn by nothing, asked of the way for turns: the same voxels."""
    made = views.load(recipe("flip", shared=WINDOW), 1)
    draws = draw(made, volumes)
    pixels = volumes.read(draws.rows, draws.windows)
    extents = draws.windows[:, 0, 1] - draws.windows[:, 0, 0]
    frame = Frame.of(extents)
    middle = views.load(recipe("centre_crop", shared=WINDOW), 1).groups[1]
    for _, operation in middle.geometry:
        frame = operation.place(frame, {}, (12, 12, 12))
    cut, between = Voxels(pixels, frame, (12, 12, 12)), Voxels(pixels, frame, (12, 12, 12))
    assert cut.whole.all()
    between.whole = np.zeros(5, bool)
    every = slice(0, 5)
    for one, other in (
        (cut.sample(every, torch.empty(5, 1, 12, 12, 12)), between.sample(every, torch.empty(5, 1, 12, 12, 12))),
        (cut.labels(every, torch.empty(5, 12, 12, 12)), between.labels(every, torch.empty(5, 12, 12, 12))),
    ):
        assert (one - other).abs().max() < 2e-5


def test_a_ramp_is_turned_and_zoomed_as_the_map_says():
    """Volumes that hold their own coordinates show where each voxel came from."""
    axes = np.stack(np.meshgrid(*[np.arange(40)] * 3, indexing="ij")).astype(np.uint16)
    ramps = Volumes([axes + 1024 + 10] * 6, [(axes[0] > 18).astype(np.uint8)] * 6, Volumes.of([(4, 4, 4)] * 6).ids)
    whole = [{"patch": {"from": "anywhere", "size": [40, 40, 40]}}]
    turns = {"affine3d": {"p": 0.7, "degrees": [10, 20, 30], "scale": [0.8, 1.25]}}
    made = views.load(recipe(turns, "centre_crop", shared=whole, size=16), 3)
    batch, draws = make(made, ramps)
    grid = torch.nn.functional.affine_grid(batch.drawn["affine/g"].flatten(0, 1), [12, 1, 16, 16, 16], align_corners=False)
    place = ((grid + 1) * 20 - 0.5).flip(-1).permute(0, 4, 1, 2, 3).unflatten(0, (2, 6))
    seen = batch.views["g"] * 500 - 210
    assert (seen - place).abs().max() < 0.01
    assert (batch.masks["g"] == (place[:, :, 0] > 18.5)).float().mean() > 0.999
    angles, zoom = draws.values["g/0-affine3d/angles"], draws.values["g/0-affine3d/scale"]
    still = zoom == 1
    assert 0 < still.sum() < 12
    assert (angles[still] == 0).all()
    assert (np.abs(angles) <= [10, 20, 30]).all()
    # The length of a step: one voxel of the view is 1 / zoom of the stored.
    step = (place[..., 1:, 0, 0] - place[..., :-1, 0, 0]).norm(dim=2)
    np.testing.assert_allclose(step.numpy(), np.broadcast_to(1 / zoom[..., None], step.shape), rtol=1e-4)


def test_labels_stay_where_the_image_is_bright(volumes):
    """A label volume that is the image above 50 HU still is, after everything that moves voxels whole."""
    made = views.load(recipe({"random_crop": {"padding": 2}}, "flip", {"rotate90": {"p": 0.5}}, shared=WINDOW, count=3), 1)
    batch, _ = make(made, volumes)
    assert torch.equal(batch.masks["g"].bool(), batch.views["g"][:, :, 0] > 0.5000001)
    assert 0.1 < batch.masks["g"].float().mean() < 0.9


def test_labels_follow_turns_and_no_intensities(volumes):
    moved = {"affine3d": {"p": 1.0}}
    plain, _ = make(views.load(recipe(moved, "centre_crop", shared=WINDOW), 1), volumes)
    changed, _ = make(views.load(recipe(moved, "centre_crop", {"noise": {"p": 1.0}}, {"shift_intensity": {"p": 1.0}}, shared=WINDOW), 1), volumes)
    assert torch.equal(plain.masks["g"], changed.masks["g"])
    assert plain.masks["g"].dtype == torch.uint8
    bright = plain.views["g"][:, :, 0] > 0.5
    assert (bright == plain.masks["g"].bool()).float().mean() > 0.85


@pytest.mark.parametrize("channels", [1, 2])
def test_what_else_is_in_the_batch_changes_nothing(volumes, channels, monkeypatch):
    made = views.load(recipe(*EVERYTHING, shared=WINDOW), channels)
    some = volumes if channels == 1 else Volumes.of(volumes.extents, 2)
    whole, draws = make(made, some, seed=3, turn=np.arange(5))
    again, _ = make(made, some, seed=3, turn=np.arange(5))
    assert torch.equal(again.views["g"], whole.views["g"])
    part, alone = make(made, some, rows=[3, 1], seed=3, turn=np.array([3, 1]))
    for name, value in alone.values.items():
        np.testing.assert_array_equal(value, draws.values[name][:, [3, 1]])
    np.testing.assert_array_equal(alone.windows, draws.windows[[3, 1]])
    assert (part.views["g"] - whole.views["g"][:, [3, 1]]).abs().max() < 1e-5
    monkeypatch.setattr(pipeline, "CHUNK", 3 * channels * 12**3)
    cut, _ = make(made, some, seed=3, turn=np.arange(5))
    assert (cut.views["g"] - whole.views["g"]).abs().max() < 1e-5
    assert torch.equal(cut.masks["g"], whole.masks["g"])
    for other in (make(made, some, seed=4)[0], make(made, some, seed=3, epoch=1)[0]):
        assert (other.views["g"] - whole.views["g"]).abs().mean() > 0.01


@given(size=st.tuples(*[st.integers(3, 20)] * 3), low=st.integers(3, 20), seed=st.integers(0, 1000), channels=st.sampled_from([1, 3]))
@settings(max_examples=20, deadline=None)
def test_any_size_of_volume_and_patch(size, low, seed, channels):
    extents = np.random.default_rng(seed).integers(low, low + 12, (3, 3))
    made = views.load(recipe(*(op for op in EVERYTHING if "rotate90" not in op), size=list(size), shared=["patch"]), channels)
    batch, draws = make(made, Volumes.of(extents, channels, seed), seed=seed)
    assert batch.views["g"].shape == (2, 3, channels, *size)
    assert batch.views["g"].isfinite().all()
    assert batch.masks["g"].max() <= 1
    assert (batch.views["clean"] >= 0).all()
    assert (batch.views["clean"] <= 1).all()
    assert (draws.windows[:, 0, 0] >= 0).all()
    assert (draws.windows[:, 0, 1] <= extents).all()


def test_volumes_for_images_and_images_for_volumes_are_refused(volumes):
    with pytest.raises(UserError, match="for volumes, and the data are images"):
        views.load(recipe(), 1).draw(0, 0, np.arange(2), volumes.ids[:2], np.full((2, 2), 30))
    with pytest.raises(UserError, match="made for images of 3 channels and got 1"):
        views.load(recipe(), 3).apply(volumes.read(np.zeros((1, 1), int), np.array([[[[0] * 3, [12] * 3]]])), draw(views.load(recipe(), 1), volumes, rows=[0]))


@pytest.mark.parametrize(
    ("tree", "message"),
    [
        ({"dims": 4, "g": {"size": 8}}, "dims is 4"),
        ({"dims": 3, "g": {"size": [8, 8]}}, r"or \[x, y, z\], not"),
        ({"g": {"size": [8, 8, 8]}}, r"must say what is read of each volume: shared: \[patch\]"),
        ({**recipe(), "per_channel": True}, "per_channel is for images"),
        (recipe("patch"), "must be the only operation that says what is read"),
        (recipe("horizontal_flip"), "horizontal_flip is for images, and these views are of volumes"),
        ({"g": {"size": 8, "operations": ["flip"]}}, "flip is for volumes, and these views are of images"),
        (recipe(shared=[{"tiles": {"count": 4}}]), "4 tiles and 1 views of group 'clean'"),
        (recipe(shared=[{"patch": {"size": [8, 16, 16]}}]), "reads 8×16×16 voxels, of which group 'clean' cannot show 12×12×12"),
        ({**recipe(), "more": {"size": 8, "operations": []}}, "Give it a size"),
        (recipe({"paint": {"inside": {"size": [6, 2]}}}), "runs from 6 down to 2"),
        (recipe({"patch": {"form": "labels"}}), "no parameter 'form'. Did you mean from"),
        (recipe({"affine3d": {"scale": [0.3, 1]}}), "0.5 or more"),
        (recipe({"rotate90": {"axes": [1, 1]}}), "two axes"),
    ],
)
def test_mistakes_are_named(tree, message):
    with pytest.raises(UserError, match=message) as caught:
        views.load(tree, 1)
    assert "\n" not in str(caught.value)


def test_a_quarter_turn_of_unequal_sides_is_refused(volumes):
    with pytest.raises(UserError, match="axes 0 and 1 of windows whose sides along them differ"):
        draw(views.load(recipe("rotate90", size=[8, 12, 8]), 1), volumes)
    draw(views.load(recipe({"rotate90": {"axes": [0, 2]}}, size=[8, 12, 8]), 1), volumes)


def test_volumes_without_labels_make_none(volumes):
    made = views.load(recipe("flip"), 1)
    draws = draw(made, volumes)
    batch = made.apply(volumes.read(draws.rows, draws.windows, masks=False), draws)
    assert batch.masks == {}
    same = replace(volumes.read(draws.rows, draws.windows), masks=None)
    assert torch.equal(made.apply(same, draws).views["g"], batch.views["g"])


def test_at_size_takes_windows_holes_and_blocks_along():
    small = views.at_size(views.load("ct-restoration", 1), (48, 48, 48)).config()
    paint, shuffle = small["corrupted"]["operations"]
    assert (paint["paint"]["inside"]["size"], paint["paint"]["outside"]["size"]) == ([2, 16], [10, 32])
    assert (paint["paint"]["inside"]["count"], shuffle["local_shuffle"]["size"], shuffle["local_shuffle"]["count"]) == (6, 4, 10)
    crops = views.at_size(views.load("volume-simclr", 1), (48, 48, 24)).config()
    assert (crops["shared"][0]["patch"]["size"], crops["global"]["size"]) == ([64, 64, 32], [48, 48, 24])
    same = views.load("ct-restoration", 1)
    assert views.at_size(same, (96, 96, 96)).config() == same.config()


def test_images_still_need_two_sides():
    assert views.load({"g": {"size": [8, 10], "operations": ["resize"]}}, 1).dims == 2
    assert views.load({"dims": 2, "g": {"size": 8, "operations": ["resize"]}}, 1).makes["g"] == (1, (8, 8))
    with pytest.raises(UserError, match="height, width"):
        views.resize_crop([8, 8, 8], 1)
