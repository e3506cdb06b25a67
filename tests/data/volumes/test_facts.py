from __future__ import annotations

import numpy as np

from vesalius.data.volumes.facts import Facts
from vesalius.data.volumes.quantising import coded
from vesalius.data.volumes.statistics import statistics


def facts(labelled: bool) -> Facts:
    values = np.random.default_rng(0).normal(100, 20, (6, 7, 8)).astype(np.float32)
    codes = coded(values, whole=False)
    points = np.array([[1, 2, 3], [4, 5, 6]], np.uint16)
    return Facts(
        geometry={"axes": "RAS"},
        statistics=statistics(codes, values > 90),
        box=np.array([[0, 0, 0], [6, 7, 8]]),
        points=points,
        voxels=336,
        mask=100 if labelled else 0,
        labels={1: (9, points[:1]), 4: (3, points)} if labelled else None,
        background=points[1:] if labelled else None,
    )


def test_everything_is_read_back_as_it_was_written() -> None:
    for labelled in (True, False):
        made = facts(labelled)
        again = Facts.from_bytes(np.frombuffer(made.to_bytes(), np.uint8))
        assert again.geometry == made.geometry
        np.testing.assert_array_equal(again.box, made.box)
        np.testing.assert_array_equal(again.points, made.points)
        assert (again.voxels, again.mask) == (made.voxels, made.mask)
        assert again.statistics.mean == made.statistics.mean
        assert again.statistics.percentile(50) == made.statistics.percentile(50)
        if labelled:
            assert again.labels is not None
            assert {value: count for value, (count, _) in again.labels.items()} == {1: 9, 4: 3}
            np.testing.assert_array_equal(again.labels[4][1], made.points)
        else:
            assert again.labels is None
