from __future__ import annotations

import numpy as np
import pytest

from vesalius.data.outcomes import Kind, Unreadable
from vesalius.data.readers.depth import MAX_VALUES, check_size, over_black, to_storable, upright

PIXELS = np.random.default_rng(0).integers(0, 255, (4, 5, 1), dtype=np.uint8)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_turning_there_and_back(orientation: int) -> None:
    back = {6: 8, 8: 6}.get(orientation, orientation)
    np.testing.assert_array_equal(upright(upright(PIXELS, orientation), back), PIXELS)
    np.testing.assert_array_equal(upright(PIXELS, 0), PIXELS)


def test_what_nobody_sees_is_black() -> None:
    notes: list[str] = []
    seen = np.dstack([PIXELS, np.full_like(PIXELS, 128)])
    np.testing.assert_allclose(over_black(seen, notes), PIXELS * (128 / 255), atol=0.5)
    assert notes == ["alpha composited over black"]
    np.testing.assert_array_equal(over_black(seen, [], premultiplied=True), PIXELS)


@pytest.mark.parametrize("values", [PIXELS, PIXELS.astype(np.uint16) * 257, PIXELS.astype(np.float32) / 7 - 20, PIXELS > 100, PIXELS.astype(np.int32) - 90])
def test_numbers_of_any_type_mean_what_they_meant(values: np.ndarray) -> None:
    found = to_storable(values)
    assert found.pixels.dtype in (np.uint8, np.uint16)
    physical = found.pixels * found.scale + found.offset
    meant = physical * (found.high - found.low) + found.low
    np.testing.assert_allclose(meant if values.dtype != bool else physical, values.astype(np.float64), atol=2e-3)


def test_what_is_not_finite_or_a_bomb_is_refused() -> None:
    with pytest.raises(Unreadable) as failure:
        to_storable(np.full((2, 2, 1), np.nan))
    assert failure.value.kind == Kind.NOT_FINITE
    for size in ((0, 5), (1 << 20, 1 << 20)):
        with pytest.raises(Unreadable):
            check_size(*size)
    check_size(1, MAX_VALUES)
