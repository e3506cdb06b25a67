from __future__ import annotations

import numpy as np
import pytest

from vesalius.data.outcomes import Unreadable
from vesalius.data.plan import Plan
from vesalius.data.readers.volume_parts import Volume
from vesalius.data.volumes.facts import Facts
from vesalius.data.volumes.preparing import prepared

VALUES = np.zeros((12, 14, 16), np.int16)
VALUES[3:9, 4:10, 5:12] = np.random.default_rng(0).integers(500, 900, (6, 6, 7))
LABELS = (VALUES > 700).astype(np.uint8)


def volume(values: np.ndarray = VALUES, spacing: float = 2.0) -> Volume:
    return Volume(values, np.diag([spacing] * 3 + [1.0]))


def facts(record: object) -> Facts:
    return Facts.from_bytes(np.frombuffer(record.parts[-1], np.uint8))  # type: ignore[attr-defined]


def test_a_record_holds_the_foreground_and_says_where_it_lay() -> None:
    whole = prepared(volume(), None, Plan(spacing=None, crop=False), "raw", b"x")
    cut = prepared(volume(), None, Plan(spacing=None, crop=True), "raw", b"x")
    assert whole.shape == (1, 12, 14, 16)
    assert cut.shape[1] < 12
    assert (cut.low, cut.high) == (VALUES[3:9, 4:10, 5:12].min(), VALUES.max()) or cut.low == 0
    codes = np.frombuffer(whole.parts[0], np.uint16).reshape(whole.shape[1:])
    np.testing.assert_allclose(codes * whole.scale + whole.offset, VALUES, atol=0.51 * whole.scale)


def test_another_spacing_makes_other_sides_and_labels_follow() -> None:
    record = prepared(volume(), volume(LABELS), Plan(spacing=(1.0, 1.0, 1.0), crop=False), "raw", b"x")
    assert record.shape[1] in (23, 24)
    found = facts(record)
    assert found.labels is not None
    assert set(found.labels) == {1}
    mask = np.frombuffer(record.parts[1], np.uint8)
    assert found.labels[1][0] == int((mask == 1).sum())


def test_points_are_the_files_own() -> None:
    one, again = (facts(prepared(volume(), None, Plan(spacing=None), "raw", b"x")) for _ in range(2))
    np.testing.assert_array_equal(one.points, again.points)
    assert (one.points <= one.box[1]).all()


def test_labels_of_another_place_are_refused() -> None:
    with pytest.raises(Unreadable):
        prepared(volume(), volume(LABELS[:5]), Plan(spacing=None), "raw", b"x")
