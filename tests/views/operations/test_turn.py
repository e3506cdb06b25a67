"""Mirrors and quarter turns happen as often as MONAI's; turns and zooms keep to their ranges."""

from __future__ import annotations

import numpy as np
from scipy import stats

from tests.views.batches import DRAWS, chance
from vesalius.views.operations.turn import Affine3d, Flip, Rotate90

CANVAS = np.full((DRAWS, 3), 16.0)


def test_axes_are_mirrored_each_for_itself_as_often_as_by_monai() -> None:
    from monai.transforms import RandFlip

    on = Flip(p=0.1).draw(chance(), CANVAS, (16, 16, 16))["on"]
    peer = RandFlip(prob=0.1, spatial_axis=0).set_random_state(0)
    theirs = []
    for _ in range(3000):
        peer.randomize(None)
        theirs.append(peer._do_transform)
    for axis in range(3):
        assert stats.fisher_exact([[on[:, axis].sum(), (~on[:, axis]).sum()], [sum(theirs), 3000 - sum(theirs)]]).pvalue > 1e-3
    assert stats.chi2_contingency(np.histogram2d(on[:, 0], on[:, 1], bins=2)[0]).pvalue > 1e-3
    some = Flip(axes=(2,), p=1.0).draw(chance(), CANVAS, (16, 16, 16))["on"]
    assert some.tolist() == [[False, False, True]] * DRAWS


def test_quarter_turns_are_as_many_as_monais() -> None:
    from monai.transforms import RandRotate90

    turns = Rotate90(p=0.4).draw(chance(), CANVAS, (16, 16, 16))["turns"]
    peer = RandRotate90(prob=0.4, max_k=3).set_random_state(0)
    theirs = []
    for _ in range(4000):
        peer.randomize()
        theirs.append(peer._rand_k if peer._do_transform else 0)
    table = np.array([np.bincount(turns, minlength=4), np.bincount(theirs, minlength=4)])
    assert stats.chi2_contingency(table).pvalue > 1e-3


def test_turns_and_zooms_keep_to_their_ranges() -> None:
    drawn = Affine3d(degrees=(0.0, 5.0, 30.0), scale=(0.7, 1.4), p=0.5).draw(chance(), CANVAS, (16, 16, 16))
    angles, zoom = drawn["angles"], drawn["scale"]
    on = zoom != 1
    assert abs(on.mean() - 0.5) < 0.02
    assert (angles[~on] == 0).all()
    for axis, most in ((1, 5.0), (2, 30.0)):
        assert stats.kstest(angles[on, axis] / (2 * most) + 0.5, "uniform").pvalue > 1e-3
    assert (angles[:, 0] == 0).all()
    assert stats.kstest((zoom[on] - 0.7) / 0.7, "uniform").pvalue > 1e-3
