from __future__ import annotations

import gzip

import nibabel
import numpy as np
import pytest

from vesalius.data.outcomes import Kind, Unreadable
from vesalius.data.readers.volume_nifti import decode, header_of, is_nifti

VALUES = np.random.default_rng(0).integers(-100, 100, (4, 5, 6)).astype(np.int16)
AFFINE = np.diag([2.0, 2.0, 3.0, 1.0])


def saved(kind: type = nibabel.Nifti1Image, values: np.ndarray = VALUES) -> bytes:
    return kind(values, AFFINE).to_bytes()


@pytest.mark.parametrize("kind", [nibabel.Nifti1Image, nibabel.Nifti2Image])
@pytest.mark.parametrize("packed", [False, True])
def test_both_versions_packed_or_not(kind: type, packed: bool) -> None:
    data = gzip.compress(saved(kind)) if packed else saved(kind)
    found = decode(data)
    np.testing.assert_array_equal(found.values, VALUES)
    np.testing.assert_allclose(found.affine, AFFINE)
    assert is_nifti(saved(kind))
    assert header_of(data[:1000]).get_data_shape() == VALUES.shape


def test_the_slope_is_applied() -> None:
    image = nibabel.Nifti1Image(VALUES, AFFINE)
    image.header.set_slope_inter(2.0, 5.0)
    data = bytearray(image.to_bytes())
    slope, inter = np.array([2.0], "<f4").tobytes(), np.array([5.0], "<f4").tobytes()
    data[112:116], data[116:120] = slope, inter
    np.testing.assert_allclose(decode(bytes(data)).values, VALUES * 2.0 + 5.0)


@pytest.mark.parametrize(("data", "kind"), [(b"\x5c\x01\x00\x00", Kind.TRUNCATED), (saved()[:-10], Kind.TRUNCATED)])
def test_a_file_that_ends_early_is_refused(data: bytes, kind: Kind) -> None:
    with pytest.raises(Unreadable) as failure:
        decode(data)
    assert failure.value.kind == kind


def test_colours_are_not_read() -> None:
    colours = np.zeros((2, 2, 2), dtype=[("R", "u1"), ("G", "u1"), ("B", "u1")])
    with pytest.raises(Unreadable, match="colours"):
        decode(nibabel.Nifti1Image(colours, AFFINE).to_bytes())
