from __future__ import annotations

import gzip

import numpy as np
import pytest

from vesalius.data.outcomes import Unreadable
from vesalius.data.readers.volume_nrrd import decode

VALUES = np.arange(24, dtype=np.int16).reshape(2, 3, 4)


def nrrd(fields: dict[str, str], data: bytes = b"") -> bytes:
    said = {"type": "short", "dimension": "3", "sizes": "2 3 4", "endian": "little", "encoding": "raw", **fields}
    return ("NRRD0005\n" + "".join(f"{key}: {value}\n" for key, value in said.items()) + "\n").encode() + data


RAW = VALUES.tobytes(order="F")
PLACED = {"space": "left-posterior-superior", "space directions": "(2,0,0) (0,2,0) (0,0,3)", "space origin": "(10,20,30)"}


def absent(name: str) -> bytes:
    raise AssertionError(name)


def test_numbers_in_one_file_lie_where_the_header_says() -> None:
    found = decode(nrrd(PLACED, RAW), absent)
    np.testing.assert_array_equal(found.values, VALUES)
    np.testing.assert_allclose(found.affine, [[-2, 0, 0, -10], [0, -2, 0, -20], [0, 0, 3, 30], [0, 0, 0, 1]])


def test_packed_and_beside() -> None:
    np.testing.assert_array_equal(decode(nrrd({**PLACED, "encoding": "gzip"}, gzip.compress(RAW)), absent).values, VALUES)
    asked: list[str] = []

    def beside(name: str) -> bytes:
        asked.append(name)
        return RAW

    np.testing.assert_array_equal(decode(nrrd({**PLACED, "data file": "numbers.raw"}), beside).values, VALUES)
    assert asked == ["numbers.raw"]


@pytest.mark.parametrize("data", [nrrd({**PLACED, "sizes": "two"}, RAW), nrrd(PLACED, RAW[:-3]), nrrd({**PLACED, "type": "block"}, RAW)])
def test_what_does_not_fit_is_refused(data: bytes) -> None:
    with pytest.raises(Unreadable):
        decode(data, absent)
