from __future__ import annotations

import zlib

import numpy as np
import pytest

from vesalius.data.outcomes import Unreadable
from vesalius.data.readers.volume_metaimage import decode, is_metaimage

VALUES = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
RAW = VALUES.tobytes(order="F")


def meta(data: bytes = b"", **fields: str) -> bytes:
    said = {"ObjectType": "Image", "NDims": "3", "DimSize": "2 3 4", "ElementSpacing": "2 2 3", "Offset": "10 20 30", "ElementType": "MET_SHORT", **fields}
    said.setdefault("ElementDataFile", "LOCAL")
    return "".join(f"{key} = {value}\n" for key, value in said.items()).encode() + data


def absent(name: str) -> bytes:
    raise AssertionError(name)


def test_numbers_in_one_file_lie_where_the_header_says() -> None:
    data = meta(RAW)
    assert is_metaimage(data)
    found = decode(data, absent)
    np.testing.assert_array_equal(found.values, VALUES)
    np.testing.assert_allclose(found.affine, [[-2, 0, 0, -10], [0, -2, 0, -20], [0, 0, 3, 30], [0, 0, 0, 1]])


def test_packed_and_beside() -> None:
    packed = zlib.compress(RAW)
    found = decode(meta(packed, CompressedData="True", CompressedDataSize=str(len(packed))), absent)
    np.testing.assert_array_equal(found.values, VALUES)
    beside = decode(meta(ElementDataFile="numbers.raw"), lambda name: RAW if name == "numbers.raw" else b"")
    np.testing.assert_array_equal(beside.values, VALUES)


@pytest.mark.parametrize("data", [meta(RAW, DimSize="two"), meta(RAW[:-3]), meta(RAW, ElementType="MET_STRING"), meta(RAW, ElementNumberOfChannels="3")])
def test_what_does_not_fit_is_refused(data: bytes) -> None:
    with pytest.raises(Unreadable):
        decode(data, absent)


def test_other_texts_are_none() -> None:
    assert not is_metaimage(b"{'NDims': 3}")
    assert not is_metaimage(b"NRRD0005\n")
