from __future__ import annotations

import numpy as np

from vesalius.select.picks import Picks


def test_without_a_nearest_none_is_known() -> None:
    picks = Picks.of([4, 2], [1.0, 0.5])
    assert len(picks) == 2
    assert picks.rows.dtype == np.int64
    assert picks.nearest.tolist() == [-1, -1]
    assert np.isnan(picks.distance).all()
    assert picks.stopped == ""


def test_what_is_known_is_kept() -> None:
    picks = Picks.of([4, 2], [1.0, 0.5], nearest=np.array([-1, 4]), distance=np.array([np.nan, 0.3]), stopped="enough")
    assert picks.nearest.tolist() == [-1, 4]
    assert picks.stopped == "enough"
