"""Stored volumes: patches equal slices, labels lie where they lay, places lead back to the file."""

from __future__ import annotations

import threading
from functools import partial
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import volumes
from vesalius.data import store
from vesalius.data.dataset import open_data, pick_channels
from vesalius.data.plan import Intensity, Plan
from vesalius.data.table import SampleTable
from vesalius.data.task import TaskSpec
from vesalius.data.volumes import codec
from vesalius.data.volumes.foreground import POINTS
from vesalius.data.volumes.volume_store import VolumeStore
from vesalius.errors import TooManyBadFiles, UserError
from vesalius.terminal import Terminal

SIDES = [(5, 9, 7), (12, 4, 3), (8, 8, 8), (2, 15, 6), (9, 10, 11)]
AS_IT_IS = Plan(modality="ct", orientation="native", foreground="nonzero", crop=False, intensity=Intensity(rule="none"))


def table_of(root: Path, count: int, *, labels: bool = True, **rest: Any) -> SampleTable:
    uris = [f"imagesTr/case_{number:03}.nii.gz" for number in range(count)]
    columns = {"mask": [uri.replace("images", "labels") for uri in uris]} if labels else {}
    return SampleTable.of("heads", root, uris, columns, dims=3, **rest)


@pytest.fixture(scope="module")
def trees(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five volumes of all sizes, whole numbers from -1000, with labels from 0 to 5."""
    folder, rng = tmp_path_factory.mktemp("ragged"), np.random.default_rng(0)
    for number, sides in enumerate(SIDES):
        values = rng.integers(-1000, 2000, sides).astype(np.int16)
        volumes.write(folder / f"imagesTr/case_{number:03}.nii.gz", values, np.eye(4))
        volumes.write(folder / f"labelsTr/case_{number:03}.nii.gz", rng.integers(0, 6, sides).astype(np.uint8), np.eye(4))
    return folder


Ragged = tuple[VolumeStore, list[Any], list[Any]]


@pytest.fixture(scope="module", params=["raw", "blosc2"])
def ragged(request: Any, trees: Path, tmp_path_factory: pytest.TempPathFactory) -> Ragged:
    if request.param == "blosc2":
        pytest.importorskip("blosc2")
    cache = tmp_path_factory.mktemp(request.param)
    built = store.build(table_of(trees, len(SIDES)), AS_IT_IS, cache=cache, codec=request.param)
    read = [[np.asarray(nibabel.load(trees / f"{folder}/case_{n:03}.nii.gz").dataobj) for n in range(len(SIDES))] for folder in ("imagesTr", "labelsTr")]
    return built, read[0], read[1]


@st.composite
def requests(draw: Any) -> tuple[Any, Any]:
    batch, reads = draw(st.integers(1, 4)), draw(st.integers(1, 2))
    rows = np.array([[draw(st.integers(0, len(SIDES) - 1)) for _ in range(reads)] for _ in range(batch)])
    windows = np.zeros((batch, reads, 2, 3), np.int64)
    for b, r in np.ndindex(batch, reads):
        for axis, length in enumerate(SIDES[rows[b, r]]):
            start = draw(st.integers(0, length - 1))
            windows[b, r, :, axis] = start, draw(st.integers(start + 1, length))
    return rows, windows


def _check(ragged: Ragged, request: tuple[Any, Any], pixels: Any) -> None:
    _, images, labels = ragged
    rows, windows = request
    sizes = windows[:, :, 1] - windows[:, :, 0]
    canvas = sizes.max((0, 1))
    assert pixels.data.shape == (*rows.shape, 1, *canvas)
    assert pixels.masks.shape == (*rows.shape, *canvas)
    assert np.array_equal(pixels.extents.numpy(), sizes)
    for b, r in np.ndindex(*rows.shape):
        box = tuple(map(slice, *windows[b, r]))
        there = tuple(map(slice, sizes[b, r]))
        data, mask = pixels.data[b, r, 0].numpy(), pixels.masks[b, r].numpy()
        values = data[there].astype(np.float64) * float(pixels.scale[b, r]) + float(pixels.offset[b, r])
        assert np.array_equal(values, images[rows[b, r]][box])
        assert np.array_equal(mask[there], labels[rows[b, r]][box])
        beyond = np.ones(canvas, bool)
        beyond[there] = False
        assert not data[beyond].any(), "behind a window are zeros"
        assert not mask[beyond].any()


@settings(max_examples=60)
@given(request=requests())
def test_windows_are_slices(ragged: Ragged, request: tuple[Any, Any]) -> None:
    _check(ragged, request, ragged[0].read(*request))


@settings(max_examples=25)
@given(first=requests(), second=requests())
def test_memory_used_again(ragged: Ragged, first: Any, second: Any) -> None:
    before = ragged[0].read(*first)
    after = ragged[0].read(*second, out=before)
    _check(ragged, second, after)
    if after.data.numel() <= before.data.numel():
        assert after.data.data_ptr() == before.data.data_ptr()
        assert after.masks is not None
        assert before.masks is not None
        assert after.masks.data_ptr() == before.masks.data_ptr()


def test_whole_records(ragged: Ragged) -> None:
    built, images, labels = ragged
    assert built.extents.tolist() == [list(sides) for sides in SIDES]
    assert (built.channels, built.dtype, len(built)) == (1, torch.uint16, 5)
    for row in range(5):
        assert np.array_equal(built.values(row), images[row])
        assert np.array_equal(built.mask(row), labels[row])
        assert built.array(row).shape == (1, *SIDES[row])
        with pytest.raises(ValueError, match="read-only"):
            built.array(row)[:] = 0
    assert built.nbytes <= sum(file.stat().st_size for file in built.folder.glob("pixels-*.bin"))


@pytest.mark.parametrize("window", [((0, 0, 0), (6, 9, 7)), ((-1, 0, 0), (5, 5, 5)), ((2, 2, 2), (4, 2, 4))])
def test_windows_beyond_the_record(ragged: Ragged, window: Any) -> None:
    with pytest.raises(IndexError):
        ragged[0].read(np.array([[0]]), np.array([[window]]))


def test_many_threads(ragged: Ragged) -> None:
    wrong: list[object] = []

    def work(seed: int) -> None:
        rng = np.random.default_rng(seed)
        for _ in range(20):
            rows = rng.integers(0, len(SIDES), (6, 1))
            stops = rng.integers(1, np.array(SIDES)[rows[:, 0]] + 1)
            request = rows, np.stack([np.zeros_like(stops), stops], 1)[:, None]
            try:
                _check(ragged, request, ragged[0].read(*request))
            except AssertionError as error:
                wrong.append(error)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_ground_tells_where_labels_lie(ragged: Ragged) -> None:
    built, images, labels = ragged
    assert built.labels == 5
    ground = built.ground(np.arange(5))
    assert ground.points.shape == (5, POINTS, 3)
    assert ground.classes is not None
    assert ground.background is not None
    assert ground.counts is not None
    for row in range(5):
        image, mask = images[row], labels[row]
        assert {tuple(at) for at in ground.points[row]} == {tuple(at) for at in np.argwhere(image != 0)}, "few voxels: all of them"
        assert ground.box[row].tolist() == [[0, 0, 0], list(SIDES[row])]
        for value in range(1, 6):
            assert {tuple(at) for at in ground.classes[row, value - 1]} == {tuple(at) for at in np.argwhere(mask == value)}
            assert ground.counts[row, value - 1] == (mask == value).sum()
        bare = {tuple(at) for at in ground.background[row]}
        assert bare == {tuple(at) for at in np.argwhere((image != 0) & (mask == 0))}


def test_a_task_says_how_many_labels(trees: Path, tmp_path: Path) -> None:
    few = TaskSpec("organs", "segmentation", (), ("background", "a", "b"))
    built = store.build(table_of(trees, 5, task=few), AS_IT_IS, cache=tmp_path)
    ground = built.ground(np.array([0]))
    assert ground.classes is not None
    assert ground.classes.shape == (1, 2, POINTS, 3)
    found = built.mask(0)
    assert found is not None
    assert found.max() == 5, "labels beyond the task's stay as they are"
    more = store.open(table_of(trees, 5, task=TaskSpec("more", "segmentation", (), tuple("abcdefgh"))), AS_IT_IS, cache=tmp_path)
    classes = more.ground(np.array([0])).classes
    assert classes is not None
    assert (classes[0, 5:] == -1).all(), "labels that a volume does not have"


@pytest.mark.parametrize("axes", ["RAS", "LPS", "SAR"])
def test_a_stored_voxel_is_the_files_voxel_at_its_place(axes: str, tmp_path: Path) -> None:
    root = volumes.write_tree(tmp_path / "set", 2, side=(16, 20, 12), axes=axes)
    plan = Plan(modality="ct", foreground=100.0)
    built = store.build(table_of(root, 2), plan, cache=tmp_path / "cache")
    ras, labels, affine = volumes.head((16, 20, 12), 0)
    at = np.argwhere(ras > 100)
    first, last = at.min(0), at.max(0) + 1
    box = tuple(map(slice, first, last))
    assert built.geometry(0).origin == tuple(first)
    assert np.array_equal(built.values(0), ras[box]), "whatever the file's axes, stored in RAS and cut to the foreground"
    assert np.array_equal(built.mask(0), labels[box])
    assert np.allclose(built.geometry(0).stored_affine[:3, 3], (affine @ [*first, 1])[:3])
    assert np.allclose(built.spacing[0], (2, 2, 3))
    ground = built.ground(np.array([0]))
    assert ground.box[0].tolist() == [[0, 0, 0], (last - first).tolist()]
    assert (built.values(0)[tuple(ground.points[0].T)] > 100).all()


def test_resampled_with_its_labels(tmp_path: Path) -> None:
    root = volumes.write_tree(tmp_path / "set", 1, side=40, spacing=(2, 2, 2))
    built = store.build(table_of(root, 1), Plan(modality="mr", spacing=(3, 3, 3)), cache=tmp_path / "cache")
    found = built.mask(0)
    assert found is not None
    assert found.shape == built.values(0).shape
    assert set(np.unique(found)) == {0, 1, 2, 3}
    skin, brain, ventricle = (built.values(0)[found == value].mean() for value in (1, 2, 3))
    assert 250 < skin < 350, "labels lie on what they name"
    assert brain > 700
    assert ventricle < 350


def test_the_rule_of_intensity_is_applied_where_it_is_read(trees: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = table_of(trees, 5)
    first = store.build(table, AS_IT_IS, cache=tmp_path)
    monkeypatch.setattr("vesalius.data.volumes.decoding.read_volume", None)
    window = AS_IT_IS.model_copy(update={"intensity": Intensity(rule="window", low=-57, high=164), "patch": (4, 4, 4)})
    again = store.build(table, window, cache=tmp_path)
    assert np.array_equal(first.digests, again.digests), "nothing is decoded anew"
    rows, windows = np.array([[0]]), np.array([[[[0, 0, 0], [4, 4, 3]]]])
    pixels = again.read(rows, windows)
    assert pixels.clip
    seen = pixels.data[0, 0, 0].float() * pixels.scale[0, 0] + pixels.offset[0, 0]
    assert torch.allclose(seen, torch.from_numpy((first.values(0)[:4, :4, :3] + 57) / 221), atol=1e-4)
    assert not first.read(rows, windows).clip
    z = store.open(table, AS_IT_IS.model_copy(update={"intensity": Intensity(rule="zscore")}), cache=tmp_path)
    assert not z.read(rows, windows).clip


def test_points_are_the_same_wherever_the_store_is_built(tmp_path: Path) -> None:
    root = volumes.write_tree(tmp_path / "one", 1, side=28)
    other = volumes.write_tree(tmp_path / "two", 1, side=28, suffix=".nii")
    (other / "imagesTr/case_000.nii").rename(other / "imagesTr/other.nii")
    plan = Plan(spacing=None)
    one = store.build(table_of(root, 1), plan, cache=tmp_path / "a")
    two = store.build(
        SampleTable.of("else", other, ["imagesTr/other.nii"], {"mask": ["labelsTr/case_000.nii"]}, dims=3), plan, cache=tmp_path / "b"
    )
    assert one.digests.tolist() == two.digests.tolist()
    mine, theirs = one.ground(np.array([0])), two.ground(np.array([0]))
    assert one.statistics(0).voxels > POINTS
    assert np.array_equal(mine.points, theirs.points)
    assert mine.classes is not None
    assert theirs.classes is not None
    assert np.array_equal(mine.classes, theirs.classes)


def _write_bad(folder: Path) -> dict[str, str]:
    """Volumes or labels that cannot be used, by uri, with a word of what is said of each."""
    image, labels, affine = volumes.head(12)
    write = partial(volumes.write, affine=affine)
    write(folder / "good.nii.gz", image)
    write(folder / "good-label.nii.gz", labels)
    write(folder / "nan.nii.gz", np.full(image.shape, np.nan, np.float32))
    write(folder / "time.nii.gz", np.stack([image, image], 3))
    cut = write(folder / "cut.nii.gz", image)
    cut.write_bytes(cut.read_bytes()[:2000])
    for name in ("grid", "moved", "half", "absent"):
        write(folder / f"{name}.nii.gz", image + 1)
    write(folder / "grid-label.nii.gz", labels[:-2])
    volumes.write(folder / "moved-label.nii.gz", labels, affine + np.array([[0, 0, 0, 7.0]] + [[0.0] * 4] * 3))
    write(folder / "half-label.nii.gz", labels.astype(np.float32) / 2)
    return {"nan": "finite", "time": "4 dimensions", "cut": "ends before|damaged", "grid": "own voxels", "moved": "7 mm", "half": "0.5", "absent": "not there"}


def test_what_cannot_be_used_is_left_out_with_the_reason(tmp_path: Path) -> None:
    said = _write_bad(tmp_path / "set")
    uris = ["good.nii.gz", *(f"{name}.nii.gz" for name in said)]
    masks = [uri.replace(".nii", "-label.nii") if uri.split(".")[0] in ("good", "grid", "moved", "half", "absent") else None for uri in uris]
    table = SampleTable.of("bad", tmp_path / "set", uris, {"mask": masks}, dims=3)
    built = store.build(table, Plan(), cache=tmp_path / "cache", max_bad_share=0.9)
    assert len(built) == 1
    reasons = dict(built.left_out)
    for number, (name, words) in zip(table.ids[1:], said.items(), strict=True):
        assert any(word in reasons[int(number)] for word in words.split("|")), (name, reasons[int(number)])
        assert str(tmp_path) not in reasons[int(number)]
    with pytest.raises(TooManyBadFiles, match="7 of 8 volumes"):
        store.build(table, Plan(), cache=tmp_path / "cache")


def test_some_without_labels(tmp_path: Path) -> None:
    root = volumes.write_tree(tmp_path / "set", 2, side=12)
    whole = table_of(root, 2)
    table = whole.with_columns(mask=[whole.frame["mask"][0], None])
    built = store.build(table, Plan(), cache=tmp_path / "cache")
    windows = np.tile(np.array([[0, 0, 0], [4, 4, 4]]), (2, 1, 1, 1))
    assert built.read(np.array([[0]]), windows[:1]).masks is not None
    with pytest.raises(UserError, match=f"{int(table.ids[1]):016x}.*no label volume"):
        built.read(np.array([[0], [1]]), windows)
    plain = built.without_labels()
    assert plain.read(np.array([[0], [1]]), windows).masks is None
    assert plain.ground(np.array([0, 1])).classes is None
    assert built.mask(1) is None


def test_volumes_of_arrays_and_as_a_data_set(tmp_path: Path) -> None:
    array = np.random.default_rng(0).integers(0, 256, (3, 8, 9, 10), dtype=np.uint8)
    (tmp_path / "f").touch()
    table = SampleTable.of("cubes", tmp_path, ["f"] * 3, frames=[2, 0, 1], container=lambda _: array, dims=3)
    assert pick_channels(table) == 1
    data = open_data("cubes", table, Plan(crop=False, intensity=Intensity(rule="none")), Terminal(quiet=True))
    assert isinstance(data.store, VolumeStore)
    assert data.store.size == "own spacing"
    assert np.array_equal(data.store.values(0), array[2])
    assert data.rows().tolist() == [0, 1, 2]
    with pytest.raises(UserError, match="Give a plan"):
        store.build(table)


def test_listed_and_deleted_like_images(trees: Path, tmp_path: Path) -> None:
    table = table_of(trees, 5, labels=False)
    assert store.estimate(table, AS_IT_IS, cache=tmp_path) == 2 * sum(np.prod(sides) for sides in SIDES)
    with pytest.raises(UserError, match="5 of 5"):
        store.open(table, AS_IT_IS, cache=tmp_path)
    store.build(table, Plan(spacing=(1, 1, 2.5)), cache=tmp_path)
    (info,) = store.inspect(tmp_path)
    assert (info.size, info.channels, info.records, info.left_out) == ("1 x 1 x 2.5 mm", 1, 5, 0)
    assert store.prune(dataset="heads", cache=tmp_path) == info.bytes
    assert store.inspect(tmp_path) == []


def test_a_codec_that_is_none() -> None:
    with pytest.raises(UserError, match="raw or blosc2"):
        codec.check("zip")  # type: ignore[arg-type]
