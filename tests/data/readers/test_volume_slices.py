from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from vesalius.data.outcomes import Unreadable
from vesalius.data.readers.volume_slices import Slice, ordered

AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)


def slices(heights: Sequence[float], shape: tuple[int, int] = (4, 5), spacing: tuple[float, float] = (0.5, 0.7)) -> list[Slice]:
    return [Slice(shape, (10.0, 20.0, height), AXIAL, spacing) for height in heights]


def test_slices_are_put_in_order_and_their_step_measured() -> None:
    order, affine = ordered(slices([4.0, 0.0, 2.0]))
    assert order.tolist() == [1, 2, 0]
    np.testing.assert_allclose(affine @ [0, 0, 0, 1], [-10, -20, 0, 1])
    np.testing.assert_allclose(affine @ [1, 1, 1, 0], [-0.7, -0.5, 2, 0])


@pytest.mark.parametrize(
    "given",
    [
        slices([0.0]), slices([0.0, 2.0, 2.0]), slices([0.0, 2.0, 8.0]), [*slices([0.0]), *slices([2.0], (4, 6))],
        [*slices([0.0]), *slices([2.0], spacing=(1.0, 1.0))], [*slices([0.0, 2.0]), Slice((4, 5), None, None, None)],
    ],
)  # fmt: skip
def test_what_makes_no_volume_is_refused(given: list[Slice]) -> None:
    with pytest.raises(Unreadable):
        ordered(given)
