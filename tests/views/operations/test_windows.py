"""What is read of volumes: MONAI's places, labels in the middle as often as asked, tiles over all that there is."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from tests.views.batches import DRAWS, chance, same_distribution
from tests.views.volume_batches import Volumes
from vesalius import views
from vesalius.data.volumes.ground import Ground
from vesalius.errors import UserError
from vesalius.views.operations.windows import Patch, Tiles

EXTENTS = np.array([40, 25, 30])


def patch(**fields: object) -> Patch:
    return Patch.model_validate(fields)


def ground(n: int = DRAWS) -> Ground:
    """Foreground at four voxels; label 1 at two (nine voxels in ten), label 2 nowhere, label 3 at one."""
    points = np.array([[5, 5, 5], [20, 12, 15], [39, 24, 29], [30, 3, 8]], np.int32)
    classes = np.full((3, 4, 3), -1, np.int32)
    classes[0], classes[2] = [[20, 12, 15], [20, 12, 14]] * 2, [[10, 13, 9]] * 4
    background = np.full((4, 3), [25, 10, 20], np.int32)
    box = np.array([[2, 0, 4], [38, 25, 28]])
    each = [np.broadcast_to(a, (n, *a.shape)) for a in (box, points, classes, background, np.array([900, 0, 100]))]
    return Ground(*each)


def middle(windows: np.ndarray) -> np.ndarray:
    return windows[:, 0, 0] + (windows[:, 0, 1] - windows[:, 0, 0]) // 2


def test_anywhere_is_monais() -> None:
    from monai.transforms import RandSpatialCrop

    found = patch(**{"from": "anywhere"}).windows(chance(), np.tile(EXTENTS, (DRAWS, 1)), (12, 12, 12), None)
    assert found.shape == (DRAWS, 1, 2, 3)
    assert (found[:, 0, 1] - found[:, 0, 0] == 12).all()
    peer = RandSpatialCrop((12, 12, 12), random_size=False).set_random_state(0)
    volume = torch.from_numpy(np.stack(np.meshgrid(*map(np.arange, EXTENTS), indexing="ij")))
    theirs = np.array([np.asarray(peer(volume))[:, 0, 0, 0] for _ in range(1500)])
    for axis in range(3):
        starts = found[:, 0, 0, axis]
        assert (starts.min(), starts.max()) == (0, EXTENTS[axis] - 12)
        assert stats.chisquare(np.bincount(starts)).pvalue > 1e-3
        assert same_distribution(starts, theirs[:, axis]) > 1e-3


def test_foreground_lies_in_the_middle_or_the_window_is_moved_back() -> None:
    found = patch().windows(chance(), np.tile(EXTENTS, (DRAWS, 1)), (12, 12, 12), ground())
    places, counts = np.unique(middle(found), axis=0, return_counts=True)
    assert places.tolist() == [[6, 6, 6], [20, 12, 15], [30, 6, 8], [34, 19, 24]]
    assert stats.chisquare(counts).pvalue > 1e-3


@pytest.mark.parametrize("positive", [0.5, 0.2])
@pytest.mark.parametrize(("weight", "shares"), [("equal", (0.5, 0.5)), ("size", (0.9, 0.1))])
def test_labels_are_in_the_middle_as_often_as_asked(positive: float, weight: str, shares: tuple[float, float]) -> None:
    given = {"from": "labels", "positive": positive, "weight": weight}
    found = middle(patch(**given).windows(chance(), np.tile(EXTENTS, (DRAWS, 1)), (8, 8, 8), ground()))
    one, three = (found[:, :2] == [20, 12]).all(1), (found == [10, 13, 9]).all(1)
    none = (found == [25, 10, 20]).all(1)
    assert (one | three | none).all()
    wanted = np.array([positive * shares[0], positive * shares[1], 1 - positive]) * DRAWS
    assert stats.chisquare([one.sum(), three.sum(), none.sum()], wanted).pvalue > 1e-3


def test_labels_as_often_as_by_monai() -> None:
    """Half of the patches around a label, by its voxels; half around other foreground (RandCropByPosNegLabel)."""
    from monai.transforms import RandCropByPosNegLabel

    volumes = Volumes.of([(24, 24, 24)])
    label = torch.from_numpy(volumes.labels[0])[None].bool()  # of bytes MONAI 1.6 takes every voxel for background
    peer = RandCropByPosNegLabel((4, 4, 4), label, pos=1, neg=1, num_samples=1500, allow_smaller=True).set_random_state(0)
    theirs = np.array([float(cut[0, 2, 2, 2]) for cut in peer(label)])
    rows = np.zeros(3000, np.int64)
    facts = volumes.ground(np.zeros(1, np.int64), points=2048)
    many = Ground(*(np.broadcast_to(a, (3000, *a.shape[1:])) for a in (facts.box, facts.points, facts.classes, facts.background, facts.counts)))
    found = middle(patch(**{"from": "labels", "weight": "size"}).windows(chance(3000), volumes.extents[rows], (4, 4, 4), many))
    ours = volumes.labels[0][tuple(found.T)]
    assert abs(ours.mean() - theirs.mean()) < 0.05


def test_records_without_labels_are_read_where_there_is_something() -> None:
    facts = ground(200)
    none = Ground(facts.box, facts.points, np.full((200, 2, 4, 3), -1, np.int32), np.full((200, 4, 3), -1, np.int32), np.zeros((200, 2), int))
    found = patch(**{"from": "labels"}).windows(chance(200), np.tile(EXTENTS, (200, 1)), (8, 8, 8), none)
    assert len(np.unique(middle(found), axis=0)) == 4


@pytest.mark.parametrize(
    ("fields", "facts", "message"),
    [
        ({"from": "foreground"}, None, "where there is something to see"),
        ({"from": "labels"}, Ground(ground(2).box, ground(2).points), "these have none"),
        ({"from": "labels", "weight": "size"}, Ground(*[getattr(ground(2), k) for k in ("box", "points", "classes", "background")]), "how many voxels"),
    ],
)
def test_what_is_not_known_is_said(fields: dict[str, str], facts: Ground | None, message: str) -> None:
    with pytest.raises(UserError, match=message):
        patch(**fields).windows(chance(2), np.tile(EXTENTS, (2, 1)), (8, 8, 8), facts)


@given(
    count=st.sampled_from([1, 2, 4, 6, 8, 12, 27]),
    sides=st.tuples(*[st.integers(5, 60)] * 3),
    size=st.tuples(*[st.integers(4, 20)] * 3),
    seed=st.integers(0, 100),
)
@settings(max_examples=60, deadline=None)
def test_tiles_lie_inside_and_cover_the_box(count: int, sides: tuple[int, ...], size: tuple[int, ...], seed: int) -> None:
    g = np.random.default_rng(seed)
    low = np.floor(g.random(3) * np.array(sides) * 0.5).astype(int)
    high = np.minimum(low + 1 + np.floor(g.random(3) * (np.array(sides) - low)).astype(int), sides)
    facts = Ground(np.stack([low, high])[None], np.zeros((1, 1, 3), np.int32))
    found = Tiles(count=count).windows(chance(1), np.array([sides]), size, facts)[0]
    assert found.shape == (count, 2, 3)
    assert (found[:, 0] >= 0).all()
    assert (found[:, 1] <= sides).all()
    assert (found[:, 1] - found[:, 0] == np.minimum(size, sides)).all()
    # Both ends of the box are seen along every axis on which there is more than one row, and its middle where there is one.
    for axis in range(3):
        starts = np.unique(found[:, 0, axis])
        if len(starts) > 1:
            assert found[:, 0, axis].min() == low[axis]
            assert found[:, 1, axis].max() == high[axis]
            assert np.ptp(np.diff(starts)) <= 1


def test_eight_tiles_cover_a_box_of_two_tiles_a_side() -> None:
    made = views.tiles((8, 8, 8), 1)
    assert dict(made.makes) == {"image": (8, (8, 8, 8))}
    facts = Ground(np.array([[[4, 4, 4], [20, 20, 20]]]), np.zeros((1, 1, 3), np.int32))
    draws = made.draw(0, 0, np.array([3]), np.array([9], np.uint64), np.array([[30, 30, 30]]), ground=facts)
    assert draws.rows.tolist() == [[3] * 8]
    assert sorted(map(tuple, draws.windows[0, :, 0])) == [(x, y, z) for x in (4, 12) for y in (4, 12) for z in (4, 12)]
    assert (draws.windows == made.draw(7, 3, np.array([3]), np.array([8], np.uint64), np.array([[30, 30, 30]]), ground=facts).windows).all()


def test_every_tile_is_a_view() -> None:
    volumes = Volumes.of([(30, 20, 24), (9, 30, 30)])
    made = views.tiles((10, 12, 14), 1, count=6)
    rows = np.arange(2)
    draws = made.draw(0, 0, rows, volumes.ids, volumes.extents, ground=volumes.ground(rows))
    batch = made.apply(volumes.read(draws.rows, draws.windows), draws)
    for view in range(6):
        for row in range(2):
            want = np.zeros((1, 10, 12, 14))
            seen = volumes.seen(row, draws.windows[row, view])
            want[:, 1 if row == 1 else 0 :][:, : seen.shape[1]] = seen
            np.testing.assert_allclose(batch.views["image"][view, row].numpy(), want, atol=2e-6)
            assert batch.masks["image"].shape == (6, 2, 10, 12, 14)
