"""Holes and shuffled blocks: exact counts and sides, MONAI's distributions, the same by slices and by comparing."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from tests.views.batches import CPU, DRAWS, chance, same_distribution
from tests.views.volume_batches import Volumes, make
from vesalius import views
from vesalius.views import bank
from vesalius.views.operation import Parameters
from vesalius.views.operations import holes
from vesalius.views.operations.holes import INSIDE, OUTSIDE, LocalShuffle, Paint

SIZE = (96, 96, 96)


def share(boxes: np.ndarray, size: tuple[int, ...]) -> float:
    """Share of a view that boxes (H, 2, 3) cover."""
    seen = np.zeros(size, bool)
    for start, stop in boxes:
        seen[tuple(slice(a, b) for a, b in zip(start, stop))] = True
    return float(seen.mean())


def masks(values: Mapping[str, np.ndarray], size: tuple[int, ...]) -> torch.Tensor:
    """Where there is noise in each item."""
    told = (torch.from_numpy(values[name])[None] for name in ("holes", "paint"))
    return holes.painted(*told, size)[0]


def test_counts_and_sides_are_exact_and_places_even() -> None:
    drawn = Paint().draw(chance(), 1, SIZE)
    kind, boxes = drawn["paint"], drawn["holes"]
    assert set(kind) == {INSIDE, OUTSIDE}
    assert stats.binomtest(int((kind == OUTSIDE).sum()), DRAWS, 0.5).pvalue > 1e-3
    sides = boxes[:, :, 1] - boxes[:, :, 0]
    assert boxes.shape == (DRAWS, 6, 2, 3)
    assert (boxes >= 0).all()
    assert (boxes <= 96).all()
    for how, low, high in ((INSIDE, 5, 32), (OUTSIDE, 20, 64)):
        mine = sides[kind == how]
        for axis in range(3):  # every whole number of voxels as often, both ends included, each axis and hole for itself
            found = np.bincount(mine[:, :, axis].ravel(), minlength=high + 1)
            assert found[:low].sum() == 0
            assert len(found) == high + 1
            assert stats.chisquare(found[low:]).pvalue > 1e-3
        start = boxes[kind == how, :, 0]
        room = 96 - mine + 1
        assert abs(np.corrcoef(mine[:, 0, 0], mine[:, 0, 1])[0, 1]) < 0.06
        assert abs(np.corrcoef(mine[:, 0, 0], mine[:, 1, 0])[0, 1]) < 0.06
        assert ((start >= 0) & (start < room)).all()
        assert stats.kstest((start[:, 0, 0] + 0.5) / room[:, 0, 0], "uniform").pvalue > 1e-3


def test_growing_boxes_start_from_the_least_and_never_shrink() -> None:
    drawn = Paint(p_outside=0.0, growing=True).draw(chance(), 1, SIZE)["holes"]
    sides = drawn[:, :, 1] - drawn[:, :, 0]
    assert (np.diff(sides, axis=1) >= 0).all()
    assert (sides.min(), sides.max()) == (5, 32)
    assert stats.chisquare(np.bincount(sides[:, 0, 2])[5:]).pvalue > 1e-3
    second = sides[sides[:, 0, 0] == 20, 1, 0]
    assert stats.chisquare(np.bincount(second)[20:]).pvalue > 1e-3


def test_two_views_are_drawn_independently() -> None:
    one, two = (Paint().draw(chance(view=view), 1, SIZE) for view in (0, 1))
    table = np.histogram2d(one["paint"], two["paint"], bins=2)[0]
    assert stats.chi2_contingency(table).pvalue > 1e-3
    assert (one["holes"] != two["holes"]).any(axis=(1, 2, 3)).all()


@pytest.mark.parametrize(("how", "least", "most", "mean"), [(INSIDE, 5, 32, 0.138), (OUTSIDE, 20, 64, 0.438)])
def test_as_much_is_changed_as_by_monai(how: int, least: int, most: int, mean: float) -> None:
    """13.8 % of the voxels by in-painting, 43.8 % by out-painting (spec 2.2), and the same distribution."""
    from monai.transforms import RandCoarseDropout

    peer = RandCoarseDropout(prob=1.0, holes=6, spatial_size=least, max_spatial_size=most, dropout_holes=how == INSIDE)
    peer.set_random_state(0)
    theirs = []
    for _ in range(150):
        peer.randomize(SIZE)
        boxes = [[(s.start, s.stop) for s in hole[1:]] for hole in peer.hole_coords]
        theirs.append(share(np.array(boxes).transpose(0, 2, 1), SIZE))
    drawn = Paint(p_outside=float(how == OUTSIDE), growing=True).draw(chance(300), 1, SIZE)
    ours = np.array([share(boxes, SIZE) for boxes in drawn["holes"]])
    changed = np.array(theirs) if how == INSIDE else 1 - np.array(theirs)
    ours = ours if how == INSIDE else 1 - ours
    assert same_distribution(ours, changed) > 1e-3
    assert abs(ours.mean() - mean) < 0.02


def test_the_noise_is_even_between_the_views_own_ends() -> None:
    from monai.transforms import RandCoarseDropout

    x = torch.rand(2, 1, 40, 40, 40, generator=torch.Generator().manual_seed(0)) * 3 - 1
    values = Paint(p_outside=0.0).draw(chance(2), 1, (40, 40, 40))
    out = Paint().change(x.clone(), Parameters.of(values, CPU, 3))
    told = masks(values, (40, 40, 40))
    peer = RandCoarseDropout(prob=1.0, holes=6, spatial_size=5, max_spatial_size=32).set_random_state(0)
    for view in range(2):
        noise = out[view, 0][told[view]]
        low, high = float(x[view].min()), float(x[view].max())
        assert noise.min() >= low - 1e-6
        assert noise.max() <= high + 1e-6
        assert stats.kstest((noise.numpy() - low) / (high - low), "uniform").statistic < 0.02
        theirs = peer(x[view].clone())  # in place, it would change the patch itself
        assert same_distribution(noise.numpy()[:4000], np.asarray(theirs[theirs != x[view]])[:4000]) > 1e-3
        assert torch.equal(out[view, 0][~told[view]], x[view, 0][~told[view]])


@given(size=st.tuples(*[st.integers(4, 30)] * 3), channels=st.sampled_from([1, 2]), seed=st.integers(0, 500), p=st.sampled_from([0.5, 1.0]))
@settings(max_examples=15, deadline=None)
def test_slices_and_comparing_paint_the_same(size: tuple[int, ...], channels: int, seed: int, p: float) -> None:
    """What the CPU does and what other devices do: holes longer than the view too."""
    paint = Paint(p=p)
    values = paint.draw(chance(5, seed=seed), channels, size)
    x = torch.rand(5, channels, *size, generator=torch.Generator().manual_seed(seed))
    told = masks(values, size)
    by_slices = [share(boxes, size) if kind else 0.0 for boxes, kind in zip(values["holes"], values["paint"])]
    outside = values["paint"] == OUTSIDE
    np.testing.assert_allclose(told.flatten(1).double().mean(1).numpy(), np.where(outside, 1 - np.array(by_slices), by_slices))
    assert not told[values["paint"] == 0].any()
    numbers = Parameters.of(values, CPU, 3)
    out = paint.change(x.clone(), numbers)
    assert (paint._at_once(x, torch.empty_like(x), numbers) - out).abs().max() < 1e-6
    low, high = x.flatten(1).amin(1), x.flatten(1).amax(1)
    noise = bank.uniform_slices(torch.from_numpy(values["offset"]), channels * int(np.prod(size))).view(x.shape)
    shape = (-1, 1, 1, 1, 1)
    want = torch.where(told.unsqueeze(1), low.view(shape) + noise * (high - low).view(shape), x)
    assert (out - want).abs().max() < 1e-6


def test_blocks_keep_what_they_hold_and_are_monais_in_number() -> None:
    """0.43 % of the voxels of 96³ (spec 2.2): ten blocks of 8³ in four of five views."""
    from monai.transforms import RandCoarseShuffle

    shuffle = LocalShuffle()
    x = torch.rand(8, 1, *SIZE, generator=torch.Generator().manual_seed(0))
    values = shuffle.draw(chance(8), 1, SIZE)
    out = shuffle.change(x.clone(), Parameters.of(values, CPU, 3))
    changed = (out != x).flatten(1).float().mean(1)
    assert (changed[~torch.from_numpy(values["on"])] == 0).all()
    on = changed[torch.from_numpy(values["on"])]
    assert (on > 0.004).all()
    assert (on <= 10 * 512 / 96**3).all()
    assert torch.equal(out[values["on"]][:2].flatten(1).sort(1).values, x[values["on"]][:2].flatten(1).sort(1).values)
    many = shuffle.draw(chance(), 1, SIZE)["on"].mean()
    assert abs(many * float(on.mean()) - 0.0043) < 0.0005
    peer = RandCoarseShuffle(prob=1.0, holes=10, spatial_size=8).set_random_state(0)
    theirs = [float((np.asarray(peer(x[0].clone())) != x[0].numpy()).mean()) for _ in range(4)]
    assert abs(np.mean(theirs) - float(on.mean())) < 0.0004


def test_blocks_lie_evenly_and_channels_have_orders_of_their_own() -> None:
    drawn = LocalShuffle(size=2).draw(chance(), 2, (20, 30, 12))
    assert drawn["into"].shape == (DRAWS, 80)
    start = np.stack(np.unravel_index(drawn["into"][:, ::8], (20, 30, 12)), axis=-1)
    assert start.shape == (DRAWS, 10, 3)
    for axis, side in enumerate((20, 30, 12)):
        assert stats.chisquare(np.bincount(start[:, 3, axis], minlength=side - 1)).pvalue > 1e-3
    assert (drawn["taken"][:, 0] != drawn["taken"][:, 1]).any(axis=1).all()
    assert len(np.unique(LocalShuffle(count=1, size=2).draw(chance(), 1, (2, 2, 2))["taken"], axis=0)) > 900


def test_the_target_is_the_patch_and_a_method_is_told_what_was_painted() -> None:
    volumes = Volumes.of([(60, 60, 60)] * 6)
    made = views.at_size(views.load("ct-restoration", 1), (48, 48, 48))
    batch, draws = make(made, volumes, seed=1)
    for row in range(6):
        np.testing.assert_allclose(batch.views["clean"][0, row].numpy(), volumes.seen(row, draws.windows[row, 0]), atol=2e-6)
    painted = holes.painted(batch.drawn["holes/corrupted"], batch.drawn["paint/corrupted"], (48, 48, 48))
    assert painted.shape == (2, 6, 48, 48, 48)
    differs = (batch.views["corrupted"] != batch.views["clean"])[:, :, 0]
    assert (differs & ~painted).float().mean() < 0.01
    assert (painted & ~differs).float().mean() < 0.001
    assert not torch.equal(painted[0], painted[1])


def test_blocks_that_meet_are_shuffled_one_after_the_other() -> None:
    size, count = (9, 8, 10), 12
    g = np.random.default_rng(0)
    start, order = g.integers(0, (6, 5, 7), (3, count, 3)), g.integers(0, bank.ORDERS, (3, 2, count))
    start[2] = start[2, :1]  # and all of them in one place
    into, taken = holes._moves(start, order, (4, 4, 4), size)
    x = torch.arange(3 * 2 * 720, dtype=torch.float32).view(3, 2, *size)
    values = {"on": np.ones(3, bool), "into": into, "taken": taken}
    out = LocalShuffle().change(x.clone(), Parameters.of(values, CPU, 3))
    for item, channel in np.ndindex(3, 2):
        want = x[item, channel].numpy().copy()
        for at, number in zip(start[item], order[item, channel]):
            box = tuple(slice(a, a + 4) for a in at)
            want[box] = want[box].ravel()[bank.orders(64)[number]].reshape(4, 4, 4)
        np.testing.assert_array_equal(out[item, channel].numpy(), want)
