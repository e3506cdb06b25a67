from __future__ import annotations

import numpy as np
import pytest

from vesalius.data.volumes.codec import check, packed, unpacked
from vesalius.errors import UserError

VALUES = np.random.default_rng(0).integers(0, 1 << 16, (20, 70, 9), dtype=np.uint16)


def test_raw_is_the_bytes_themselves() -> None:
    np.testing.assert_array_equal(np.frombuffer(packed(VALUES, "raw"), np.uint16).reshape(VALUES.shape), VALUES)


def test_a_box_comes_back_from_packed_bytes() -> None:
    pytest.importorskip("blosc2")
    data = np.frombuffer(packed(VALUES, "blosc2"), np.uint8)
    box = (slice(3, 11), slice(60, 70), slice(0, 9))
    np.testing.assert_array_equal(unpacked(data, box), VALUES[box])


def test_another_codec_is_refused() -> None:
    check("raw")
    with pytest.raises(UserError, match="it is raw or blosc2"):
        check("zip")  # type: ignore[arg-type]
