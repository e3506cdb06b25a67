from __future__ import annotations

import bz2
import gzip
import io
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
import SimpleITK
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from tests.volumes import head
from vesalius.data.outcomes import Kind, Unreadable
from vesalius.data.readers.volume import read_labels, read_volume

IMAGE, LABELS, AFFINE = head((7, 9, 5))
TILTED = np.array([[0.1, -1.4, 0.2, 5], [0.7, 0.2, 0.1, -6], [-0.03, -0.3, 2.9, 7.5], [0, 0, 0, 1]])


def nifti(values: NDArray[Any], affine: NDArray[Any] = AFFINE, *, second: bool = False, big: bool = False) -> bytes:
    kind = nibabel.Nifti2Image if second else nibabel.Nifti1Image
    header = kind.header_class(endianness=">" if big else "<")
    header.set_data_dtype(values.dtype)
    header.set_xyzt_units("mm")
    return bytes(kind(values, affine, header).to_bytes())


def written(folder: Path, data: bytes, name: str = "volume.nii") -> Path:
    (folder / name).write_bytes(data)
    return folder / name


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("second", [False, True])
@pytest.mark.parametrize(
    "kind", ["uint8", "int8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64"]
)
def test_nifti_as_nibabel_reads_it(kind: str, second: bool, big: bool, tmp_path: Path) -> None:
    data = nifti(np.abs(IMAGE).clip(0, 120).astype(kind), TILTED, second=second, big=big)
    expected = (nibabel.Nifti2Image if second else nibabel.Nifti1Image).from_bytes(data)
    for path in (
        written(tmp_path, data),
        written(tmp_path, gzip.compress(data), "volume.nii.gz"),
        written(tmp_path, data, "no_suffix"),
    ):
        volume = read_volume(path)
        assert np.array_equal(volume.values, np.asarray(expected.dataobj))
        assert np.array_equal(volume.affine, expected.affine)
        assert volume.values.dtype in (np.uint8, np.int16, np.uint16, np.int32, np.float32)
        assert volume.values.dtype.isnative


@pytest.mark.parametrize(
    ("slope", "offset", "kind"),
    [
        (1, -1024, np.int16),
        (2, 0, np.int16),
        (100, 5000, np.int32),
        (0.5, 3, np.float32),
        (0, 7, np.int16),
        (np.nan, 0, np.int16),
    ],
)
def test_scaling_keeps_whole_numbers_whole(slope: float, offset: float, kind: type, tmp_path: Path) -> None:
    image = nibabel.Nifti1Image(IMAGE, AFFINE)
    data = bytearray(image.to_bytes())
    header = nibabel.Nifti1Header(bytes(data[:348]))
    header["scl_slope"], header["scl_inter"] = slope, offset
    data[:348] = header.binaryblock
    volume = read_volume(written(tmp_path, bytes(data)))
    used = (slope, offset) if slope and np.isfinite(slope) else (1, 0)
    assert volume.values.dtype == kind
    assert np.array_equal(volume.values, (IMAGE.astype(float) * used[0] + used[1]).astype(kind))


def test_a_fourth_side_of_one_is_none(tmp_path: Path) -> None:
    assert read_volume(written(tmp_path, nifti(IMAGE[..., None, None]))).values.shape == IMAGE.shape


def test_nan_is_the_least_value_and_reported(tmp_path: Path) -> None:
    values = IMAGE.astype(np.float32)
    values[0, 0, :3] = np.nan, np.inf, -np.inf
    volume = read_volume(written(tmp_path, nifti(values)))
    least, most = values[np.isfinite(values)].min(), values[np.isfinite(values)].max()
    assert volume.values[0, 0, :3].tolist() == [least, most, least]
    assert np.array_equal(volume.values[1:], values[1:])
    assert volume.notes[0].startswith("NaN or infinite in 3 of its voxels")
    with pytest.raises(Unreadable, match="None of its voxels is a finite number"):
        read_volume(written(tmp_path, nifti(np.full_like(values, np.nan))))


def with_header(change: Callable[[Any], None], values: NDArray[Any] = IMAGE) -> bytes:
    data = bytearray(nifti(values))
    header = nibabel.Nifti1Header(bytes(data[:348]), check=False)
    change(header)
    data[:348] = header.binaryblock
    return bytes(data)


def setting(**fields: Any) -> Callable[[Any], None]:
    def change(header: Any) -> None:
        for name, value in fields.items():
            header[name] = value

    return change


def picture() -> bytes:
    out = io.BytesIO()
    Image.fromarray(np.zeros((4, 4), np.uint8)).save(out, "PNG")
    return out.getvalue()


COLOURS = np.zeros((4, 5, 6), [("R", "u1"), ("G", "u1"), ("B", "u1")])
FLAT = setting(qform_code=0, sform_code=1, srow_x=[1, 1, 0, 0], srow_y=[1, 1, 0, 0], srow_z=[0, 0, 1, 0])
REFUSED: dict[str, tuple[bytes, Kind, str]] = {
    "four dimensions": (nifti(np.stack([IMAGE] * 3, -1)), Kind.UNSUPPORTED, r"4 dimensions \(7 x 9 x 5 x 3\)"),
    "a slice": (nifti(IMAGE[:, :, :1]), Kind.UNSUPPORTED, r"flat \(7 x 9 x 1\)"),
    "two dimensions": (nifti(IMAGE[:, :, 0]), Kind.UNSUPPORTED, r"flat \(7 x 9\)"),
    "one dimension": (nifti(IMAGE[:, 0, 0]), Kind.UNSUPPORTED, "flat"),
    "complex": (nifti(IMAGE.astype(np.complex64)), Kind.UNSUPPORTED, "complex"),
    "colours": (nifti(COLOURS), Kind.UNSUPPORTED, "colours"),
    "empty": (b"", Kind.EMPTY, "0 bytes"),
    "cut off": (nifti(IMAGE)[:-10], Kind.TRUNCATED, "620 of 630 bytes"),
    "cut off within the header": (nifti(IMAGE)[:100], Kind.TRUNCATED, "within its header"),
    "gzip cut off": (gzip.compress(nifti(IMAGE))[:-60], Kind.TRUNCATED, "of 630 bytes"),
    "gzip damaged": (gzip.compress(nifti(IMAGE))[:60] + b"\xff" * 200, Kind.CORRUPT, "damaged"),
    "gzip of text": (gzip.compress(b"words " * 200), Kind.NOT_AN_IMAGE, "no NIfTI"),
    "no voxel size": (
        with_header(setting(qform_code=0, sform_code=0, pixdim=[1, 2, 2, 0, 1, 1, 1, 1])),
        Kind.GEOMETRY,
        "2 x 2 x 0 mm",
    ),
    "one way twice": (with_header(FLAT), Kind.GEOMETRY, "almost the same way"),
    "NaN in the affine": (with_header(setting(qform_code=0, srow_x=[np.nan] * 4)), Kind.GEOMETRY, "NaN"),
    "half of a pair": (with_header(setting(magic=b"ni1")), Kind.UNSUPPORTED, "pair"),
    "an unknown type": (with_header(setting(datatype=77)), Kind.UNSUPPORTED, "type 77"),
    "a picture": (picture(), Kind.UNSUPPORTED, "one picture"),
    "text": (b"what a nice volume this is, in plain words", Kind.NOT_AN_IMAGE, "not an image"),
    "a bomb": (
        gzip.compress(with_header(setting(dim=[3, 30000, 30000, 30000, 1, 1, 1, 1]))),
        Kind.TOO_LARGE,
        "30000 x 30000 x 30000",
    ),
    "a large claim": (
        with_header(setting(dim=[3, 1000, 1000, 1000, 1, 1, 1, 1])),
        Kind.TRUNCATED,
        "2,000,000,000 bytes",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_no_volume_is_refused_in_one_sentence(what: str, tmp_path: Path) -> None:
    data, kind, words = REFUSED[what]
    with pytest.raises(Unreadable, match=words) as caught:
        read_volume(written(tmp_path, data))
    assert caught.value.kind == kind
    assert str(tmp_path) not in str(caught.value)


def test_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="not there"):
        read_volume(tmp_path / "nowhere.nii.gz")


def test_which_affine(tmp_path: Path) -> None:
    def of(change: Callable[[Any], None]) -> Any:
        return read_volume(written(tmp_path, with_header(change)))

    other = AFFINE.copy()
    other[0, 3] += 40

    def both(header: Any) -> None:
        header.set_sform(AFFINE, 1)
        header.set_qform(other, 1)

    disagreeing = of(both)
    assert np.allclose(disagreeing.affine, AFFINE)
    assert disagreeing.notes == ("sform and qform place its voxels up to 40 mm apart: the sform is taken",)

    def second(header: Any) -> None:
        header.set_sform(None, 0)
        header.set_qform(other, 1)

    assert np.allclose(of(second).affine, other)

    def neither(header: Any) -> None:
        header.set_sform(None, 0)
        header.set_qform(None, 0)

    bare = of(neither)
    assert np.allclose(bare.affine, nibabel.Nifti1Image.from_bytes(with_header(neither)).affine)
    assert "left, front, up" in bare.notes[0]

    def metres(header: Any) -> None:
        header.set_xyzt_units("meter")

    assert np.allclose(of(metres).affine[:3], AFFINE[:3] * 1000)


def test_a_sheared_volume_is_read_along_its_axes(tmp_path: Path) -> None:
    sheared = AFFINE.copy()
    sheared[1, 2] = 0.8  # a tilted gantry
    volume = read_volume(written(tmp_path, nifti(IMAGE, sheared)))
    assert np.allclose(volume.affine, sheared, atol=1e-6)
    assert volume.notes == ("axes not at right angles (sheared by 14.9 degrees): taken along its own axes",)


@pytest.fixture(scope="module")
def tilted() -> SimpleITK.Image:
    image = SimpleITK.GetImageFromArray(np.ascontiguousarray(IMAGE.T))
    turn = SimpleITK.Euler3DTransform((0, 0, 0), 0.2, -0.4, 1.1)
    image.SetDirection(np.ravel(np.array(turn.GetMatrix()).reshape(3, 3)[:, [2, 0, 1]]))
    image.SetSpacing((0.7, 1.3, 4))
    image.SetOrigin((-11.5, 2.25, 30))
    return image


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("suffix", ["nrrd", "nhdr", "mha", "mhd", "nii.gz"])
@pytest.mark.parametrize("kind", ["Int16", "UInt8", "Float32", "Int64"])
def test_what_itk_writes(tilted: SimpleITK.Image, suffix: str, packed: bool, kind: str, tmp_path: Path) -> None:
    image = SimpleITK.Cast(tilted, getattr(SimpleITK, f"sitk{kind}"))
    SimpleITK.WriteImage(image, str(tmp_path / f"volume.{suffix}"), useCompression=packed)
    volume = read_volume(tmp_path / f"volume.{suffix}")
    assert np.array_equal(volume.values, SimpleITK.GetArrayFromImage(image).T)
    for voxel in ((0, 0, 0), (3, 2, 1), (6, 8, 4)):
        x, y, z = image.TransformIndexToPhysicalPoint(voxel)
        assert np.allclose(volume.affine @ (*voxel, 1), (-x, -y, z, 1), atol=1e-4)


NRRD = "NRRD0004\n# words: of nobody\ntype: {type}\ndimension: 3\nspace: {space}\nsizes: 7 9 5\n{directions}\nendian: {endian}\nencoding: {encoding}\n\n"
DIRECTIONS = "space directions: (2,0,0) (0,2,0) (0,0,3)\nspace origin: (1,2,3)"


@pytest.mark.parametrize(("encoding", "pack"), [("raw", bytes), ("gzip", gzip.compress), ("bzip2", bz2.compress)])
@pytest.mark.parametrize("endian", ["little", "big"])
def test_nrrd_encodings(encoding: str, pack: Callable[[bytes], bytes], endian: str, tmp_path: Path) -> None:
    head_ = NRRD.format(type="short", space="RAS", directions=DIRECTIONS, endian=endian, encoding=encoding)
    data = IMAGE.astype(">i2" if endian == "big" else "<i2").tobytes("F")
    volume = read_volume(written(tmp_path, head_.encode() + pack(data)))
    assert np.array_equal(volume.values, IMAGE)
    assert volume.affine.tolist() == [[2, 0, 0, 1], [0, 2, 0, 2], [0, 0, 3, 3], [0, 0, 0, 1]]


def test_nrrd_as_text_and_without_a_space(tmp_path: Path) -> None:
    head_ = NRRD.format(
        type="double", space="", directions="spacings: 2 2 3", endian="little", encoding="ascii"
    ).replace("space: \n", "")
    volume = read_volume(written(tmp_path, head_.encode() + " ".join(map(str, IMAGE.ravel("F"))).encode()))
    assert np.array_equal(volume.values, IMAGE)
    assert np.diag(volume.affine).tolist() == [-2, -2, 3, 1]
    assert volume.notes == ("says nothing of its orientation: taken as LPS",)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (NRRD.format(type="block", space="RAS", directions=DIRECTIONS, endian="little", encoding="raw"), "known type"),
        (NRRD.format(type="short", space="RAS", directions=DIRECTIONS, endian="little", encoding="hex"), "'hex'"),
        (NRRD.format(type="short", space="RAS", directions=DIRECTIONS + "\ndata file: ../secret", endian="little", encoding="raw"), "another folder"),
        (NRRD.format(type="short", space="RAS", directions=DIRECTIONS, endian="little", encoding="raw"), "0 of 630 bytes"),
        (NRRD.format(type="short", space="RAS", directions=DIRECTIONS.replace("2,0,0", "a,b,c"), endian="little", encoding="raw"), "contradicts"),
        (NRRD.replace("sizes: 7 9 5", "sizes: 3 7 9 5\nkinds: RGB-color domain domain domain").format(
            type="short", space="RAS", directions=DIRECTIONS, endian="little", encoding="raw"), "several numbers"),
        ("ObjectType = Image\nNDims = 3\nDimSize = 7 9 5\nElementType = MET_SHORT\nElementNumberOfChannels = 3\nElementDataFile = LOCAL\n", "3 numbers each"),
        ("ObjectType = Image\nNDims = 3\nDimSize = 7 9 5\nElementType = MET_SHORT\nElementDataFile = LIST 2D\n", "a file each"),
        ("ObjectType = Image\nNDims = 3\nDimSize = 7 9 5\nElementType = MET_SHORT\nElementDataFile = /etc/passwd\n", "another folder"),
        ("ObjectType = Image\nNDims = 3\nDimSize = 7 9 5\n", "within its header"),
    ],
)  # fmt: skip
def test_headers_in_text_that_make_no_volume(data: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match=words):
        read_volume(written(tmp_path, data.encode()))


def test_numbers_beside_a_header_that_are_not_there(tmp_path: Path, tilted: SimpleITK.Image) -> None:
    SimpleITK.WriteImage(tilted, str(tmp_path / "volume.mhd"))
    (tmp_path / "volume.raw").unlink()
    with pytest.raises(Unreadable, match="not there"):
        read_volume(tmp_path / "volume.mhd")


@given(data=st.data())
def test_damage_ends_in_a_sentence(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    text = NRRD.format(type="short", space="RAS", directions=DIRECTIONS, endian="little", encoding="gzip").encode()
    whole = data.draw(
        st.sampled_from([nifti(IMAGE), gzip.compress(nifti(IMAGE)), text + gzip.compress(IMAGE.tobytes("F"))])
    )
    damaged = bytearray(whole[: data.draw(st.integers(1, len(whole)))])
    for _ in range(data.draw(st.integers(0, 8))):
        damaged[data.draw(st.integers(0, min(len(damaged), 400) - 1))] = data.draw(st.integers(0, 255))
    path = written(tmp_path_factory.getbasetemp(), bytes(damaged), "damaged")
    with suppress(Unreadable):
        assert np.isfinite(read_volume(path).values).all()


def test_labels_are_whole_numbers(tmp_path: Path) -> None:
    for kind in ("uint8", "int64", "float32"):
        labels = read_labels(written(tmp_path, nifti(LABELS.astype(kind))))
        assert labels.values.dtype == np.uint8
        assert np.array_equal(labels.values, LABELS)
    for values, words in (
        (LABELS * np.float32(0.5), "holds 0.5"),
        (LABELS.astype(np.int16) * 200, "run from 0 to 600"),
        (LABELS.astype(np.int16) - 1, "run from -1 to 2"),
        (np.where(LABELS == 2, np.float32(np.nan), np.float32(1)), "NaN"),
    ):
        with pytest.raises(Unreadable, match=words):
            read_labels(written(tmp_path, nifti(values)))
