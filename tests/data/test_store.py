"""Building and opening: what is stored is what was decoded, and nothing is decoded twice."""

# Proves data.kinds too: see mirrors.yaml.

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from tests.data.images import stored, table_of, whole, write_images, write_odd_sizes
from vesalius.data import readers, store
from vesalius.data.outcomes import Decoded
from vesalius.data.settings import StoreSettings
from vesalius.data.table import SampleTable
from vesalius.errors import TooManyBadFiles, UserError


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows by one entry with every decoded image."""
    calls: list[int] = []
    read = readers.read

    def counted(*arguments: Any, **options: Any) -> Decoded:
        calls.append(1)
        return read(*arguments, **options)

    monkeypatch.setattr(readers, "read", counted)
    return calls


def test_native_records_are_the_images(tmp_path: Path) -> None:
    made = write_images(tmp_path / "set", 30)
    table = table_of(tmp_path / "set", list(made))
    seen: list[tuple[int, int]] = []
    built = store.build(table, StoreSettings(), lambda *at: seen.append(at), cache=tmp_path / "cache")
    assert np.array_equal(built.ids, table.ids)
    assert all(np.array_equal(a, b) for a, b in zip(stored(built), made.values(), strict=True))
    assert built.channels == 3
    assert built.dtype == torch.uint8
    assert built.left_out == []
    assert built.nbytes == sum(pixels.nbytes for pixels in made.values())
    assert seen == sorted(seen)
    assert seen[-1] == (30, 30)


def test_the_second_time_decodes_nothing(tmp_path: Path, decoded: list[int]) -> None:
    made = write_images(tmp_path / "set", 12)
    table = table_of(tmp_path / "set", list(made))
    first = store.build(table, cache=tmp_path / "cache")
    assert len(decoded) == 12
    again = store.build(table, cache=tmp_path / "cache")
    opened = store.open(table, cache=tmp_path / "cache")
    subset = store.open(table.subset([7, 3]), cache=tmp_path / "cache")
    assert len(decoded) == 12
    assert np.array_equal(first.digests, again.digests)
    assert np.array_equal(first.digests, opened.digests)
    assert np.array_equal(subset.digests, first.digests[[7, 3]])


def test_adding_changing_and_removing_files(tmp_path: Path, decoded: list[int]) -> None:
    made = write_images(tmp_path / "set", 10)
    old = store.build(table_of(tmp_path / "set", list(made)), cache=tmp_path / "cache")
    more = write_images(tmp_path / "set", 14)
    assert list(made) == list(more)[:10]
    Image.fromarray(255 - made["a/0004.png"]).save(tmp_path / "set" / "a" / "0004.png")
    for uri in list(made):
        if uri != "a/0004.png":
            os.utime(tmp_path / "set" / uri, ns=(0, 10**9))
    decoded.clear()
    new_order = sorted(more, reverse=True)[:-1]
    new = store.build(table_of(tmp_path / "set", new_order), cache=tmp_path / "cache")
    assert len(decoded) == 5, "four new files and one of other content; a touched file is read, not decoded"
    expected = {**more, "a/0004.png": 255 - made["a/0004.png"]}
    assert all(np.array_equal(a, expected[uri]) for a, uri in zip(stored(new), new_order, strict=True))
    assert np.array_equal(old.array(4), np.moveaxis(made["a/0004.png"], -1, 0)), "an open store keeps its pixels"


def test_equal_content_is_stored_once(tmp_path: Path) -> None:
    made = write_images(tmp_path / "set", 6)
    for uri in made:
        shutil.copy(tmp_path / "set" / uri, tmp_path / "set" / f"copy-{Path(uri).name}")
    table = table_of(tmp_path / "set", [*made, *(f"copy-{Path(uri).name}" for uri in made)])
    built = store.build(table, cache=tmp_path / "cache")
    assert np.array_equal(built.digests[:6], built.digests[6:])
    assert len(set(built.digests)) == 6
    on_disk = sum(file.stat().st_size for file in built.folder.glob("pixels-*.bin"))
    assert on_disk == sum(pixels.nbytes for pixels in made.values())


def test_settings_box_and_frame_belong_to_the_digest(tmp_path: Path) -> None:
    made = write_images(tmp_path / "set", 1)
    uri = next(iter(made))
    boxes = table_of(tmp_path / "set", [uri] * 3, boxes=[None, (2, 3, 10, 8), (2, 3, 10, 9)])
    native = store.build(boxes, cache=tmp_path / "cache")
    small = store.build(boxes, StoreSettings(4), cache=tmp_path / "cache")
    grey = store.build(boxes, StoreSettings(channels=1), cache=tmp_path / "cache")
    assert len({*native.digests, *small.digests, *grey.digests}) == 9
    assert np.array_equal(native.array(1), np.moveaxis(made[uri][3:11, 2:12], -1, 0))
    assert small.extents.tolist() == [[4, 5], [4, 5], [4, 4]]


def test_one_container_of_many_images(tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (5000, 28, 28), dtype=np.uint8)
    np.savez(tmp_path / "set.npz", images=images)
    loads: list[str] = []

    def load(uri: str) -> np.ndarray:
        loads.append(uri)
        return images

    table = SampleTable.of("mine", tmp_path, ["set.npz"] * 5000, frames=list(range(5000)), container=load)
    built = store.build(table.subset(np.arange(4999, -1, -2)), StoreSettings(channels=3), cache=tmp_path / "cache")
    assert len(loads) <= 2
    rows = np.array([[0], [17], [2499]])
    pixels = built.read(rows, whole(built, rows))
    assert pixels.data.shape == (3, 1, 3, 28, 28)
    assert np.array_equal(pixels.data[:, 0, 1].numpy(), images[4999 - 2 * rows[:, 0]])
    assert pixels.scale.flatten().tolist() == pytest.approx([1 / 255] * 3)


def test_containers_of_colour_depth_and_floats(tmp_path: Path) -> None:
    (tmp_path / "f").touch()
    rng = np.random.default_rng(0)
    for array in (
        rng.integers(0, 256, (4, 6, 5, 3), dtype=np.uint8),
        rng.integers(0, 65536, (4, 6, 5), dtype=np.uint16),
        rng.integers(0, 65536, (4, 6, 5, 7), dtype=np.uint16),
    ):
        table = SampleTable.of(f"set{array.ndim}{array.dtype}{array.shape[-1]}", tmp_path, ["f"] * 4, frames=range(4),
                               container=lambda _, array=array: array)  # fmt: skip
        built = store.build(table, cache=tmp_path / "cache")
        assert np.array_equal(np.stack(stored(built)).reshape(array.shape), array)
    bad = rng.random((4, 6, 5)).astype(np.float32)
    bad[2, 0, 0] = np.nan
    table = SampleTable.of("floats", tmp_path, ["f"] * 4, frames=range(4), container=lambda _: bad)
    built = store.build(table, cache=tmp_path / "cache", max_bad_share=0.5)
    assert [(int(table.ids[2]), True)] == [(number, "NaN" in reason) for number, reason in built.left_out]
    read = built.array(0)[0] * (1 / 65535)
    assert np.abs(read - bad[0]).max() < 1e-5


def test_bad_files_are_left_out_and_named(tmp_path: Path) -> None:
    made = write_images(tmp_path / "set", 38)
    (tmp_path / "set" / "cut.png").write_bytes((tmp_path / "set" / "a" / "0000.png").read_bytes()[:500])
    (tmp_path / "set" / "none.png").touch()
    uris = ["cut.png", *made, "none.png"]
    table = table_of(tmp_path / "set", uris)
    built = store.build(table, cache=tmp_path / "cache")
    assert np.array_equal(built.ids, table.ids[1:-1])
    assert built.left_out == [
        (int(table.ids[0]), "The file ends before its pixels do."),
        (int(table.ids[-1]), "The file is empty (0 bytes)."),
    ]
    assert built.rows(table.ids[[5, 1]]).tolist() == [4, 0]
    with pytest.raises(UserError, match="ends before"):
        built.rows(table.ids[:2])
    with pytest.raises(TooManyBadFiles, match="2 of 40") as caught:
        store.build(table, cache=tmp_path / "cache", max_bad_share=0.04)
    message, notes = str(caught.value), "\n".join(caught.value.__notes__)
    assert f"{int(table.ids[0]):016x}" in message
    assert str(tmp_path) not in message, "what may be logged holds ids alone"
    assert str(tmp_path / "set" / "cut.png") in notes


def test_nothing_readable_is_an_error_whatever_the_share(tmp_path: Path) -> None:
    (tmp_path / "a.png").touch()
    with pytest.raises(TooManyBadFiles, match=r"1 of 1 images of \w+ could not be read\. The first"):
        store.build(table_of(tmp_path, ["a.png"]), cache=tmp_path / "cache", max_bad_share=1.0)


def test_a_missing_file_that_comes_back(tmp_path: Path, decoded: list[int]) -> None:
    made = write_images(tmp_path / "set", 4)
    table = table_of(tmp_path / "set", list(made))
    away = tmp_path / "set" / "b" / "0001.png"
    away.rename(tmp_path / "away.png")
    built = store.build(table, cache=tmp_path / "cache", max_bad_share=0.5)
    assert [reason for _, reason in built.left_out] == ["The file is not there."]
    store.open(table, cache=tmp_path / "cache")
    (tmp_path / "away.png").rename(away)
    assert len(store.build(table, cache=tmp_path / "cache")) == 4
    assert len(decoded) == 4


def test_open_builds_nothing(tmp_path: Path, decoded: list[int]) -> None:
    made = write_images(tmp_path / "set", 4)
    table = table_of(tmp_path / "set", list(made))
    with pytest.raises(UserError, match="4 of 4"):
        store.open(table, cache=tmp_path / "cache")
    store.build(table.subset([0, 1]), cache=tmp_path / "cache")
    with pytest.raises(UserError, match="2 of 4"):
        store.open(table, cache=tmp_path / "cache")
    assert len(decoded) == 2
    assert store.estimate(table, cache=tmp_path / "cache") == 2 * 24 * 32 * 3


def test_a_cut_file_is_told_and_rebuilt(tmp_path: Path, decoded: list[int]) -> None:
    made = write_images(tmp_path / "set", 10)
    table = table_of(tmp_path / "set", list(made))
    (file,) = store.build(table, cache=tmp_path / "cache").folder.glob("pixels-*.bin")
    os.truncate(file, file.stat().st_size - 3 * 24 * 32 * 3 - 1)
    decoded.clear()
    with pytest.raises(UserError, match="was cut"):
        store.open(table, cache=tmp_path / "cache")
    mended = store.build(table, cache=tmp_path / "cache")
    assert len(decoded) == 4
    assert all(np.array_equal(a, b) for a, b in zip(stored(mended), made.values(), strict=True))


@pytest.mark.parametrize("damage", ["cut", "flipped", "gone"])
def test_a_damaged_index_costs_decoding_only(damage: str, tmp_path: Path) -> None:
    made = write_images(tmp_path / "set", 10)
    table = table_of(tmp_path / "set", list(made))
    (index,) = store.build(table, cache=tmp_path / "cache").folder.glob("index-*.npz")
    data = bytearray(index.read_bytes())
    if damage == "cut":
        index.write_bytes(data[: len(data) // 2])
    elif damage == "flipped":
        data[len(data) // 2] ^= 0xFF
        index.write_bytes(data)
    else:
        index.unlink()
    mended = store.build(table, cache=tmp_path / "cache")
    assert all(np.array_equal(a, b) for a, b in zip(stored(mended), made.values(), strict=True))


def test_mixed_channels(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    grey, colour = rng.integers(0, 256, (8, 8), dtype=np.uint8), rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)
    Image.fromarray(grey).save(tmp_path / "g.png")
    Image.fromarray(colour).save(tmp_path / "c.png")
    table = table_of(tmp_path, ["g.png", "c.png"])
    for channels in ("keep", 3):
        built = store.build(table, StoreSettings(channels=channels), cache=tmp_path / "cache")
        rows = np.array([[0], [1]])
        data = built.read(rows, whole(built, rows)).data.numpy()
        assert built.channels == 3
        assert all(np.array_equal(data[0, 0, channel], grey) for channel in range(3))
        assert np.array_equal(data[1, 0], np.moveaxis(colour, -1, 0))
    one = store.build(table, StoreSettings(channels=1), cache=tmp_path / "cache")
    luma = np.asarray(Image.fromarray(colour).convert("L"))
    assert np.array_equal(one.array(1)[0], luma)


def test_channels_that_cannot_share_a_batch(tmp_path: Path) -> None:
    import tifffile

    tifffile.imwrite(
        tmp_path / "five.tif", np.zeros((6, 6, 5), np.uint8), photometric="minisblack", planarconfig="contig"
    )
    Image.fromarray(np.zeros((6, 6, 3), np.uint8)).save(tmp_path / "c.png")
    table = table_of(tmp_path, ["five.tif", "c.png"])
    with pytest.raises(UserError, match="3, 5 channels"):
        store.build(table, cache=tmp_path / "cache")
    with pytest.raises(TooManyBadFiles, match="5 channels, which cannot become 3"):
        store.build(table, StoreSettings(channels=3), cache=tmp_path / "cache")


def test_the_cache_holds_no_names(tmp_path: Path) -> None:
    made = write_images(tmp_path / "Mueller-Anna" / "geb-1950", 3)
    (tmp_path / "Mueller-Anna" / "geb-1950" / "Mueller.png").touch()
    root = tmp_path / "Mueller-Anna" / "geb-1950"
    table = table_of(root, [*made, "Mueller.png"], private=True)
    built = store.build(table, cache=tmp_path / "cache", max_bad_share=0.5)
    assert len(built.left_out) == 1
    for file in (tmp_path / "cache").rglob("*"):
        assert "Mueller" not in str(file.relative_to(tmp_path / "cache"))
        if file.is_file():
            assert b"Mueller" not in file.read_bytes()
            assert b"geb-1950" not in file.read_bytes()


def test_wrong_settings() -> None:
    with pytest.raises(UserError):
        StoreSettings(size=0)
    with pytest.raises(UserError):
        StoreSettings(channels=0)
    with pytest.raises(UserError):
        StoreSettings(channels="all")  # type: ignore[arg-type]


def test_odd_sizes_keep_their_depth(tmp_path: Path) -> None:
    made = write_odd_sizes(tmp_path / "set")
    built = store.build(table_of(tmp_path / "set", list(made)), cache=tmp_path / "cache")
    assert built.dtype == torch.uint16
    for row, pixels in enumerate(made.values()):
        assert built.array(row).dtype == pixels.dtype
        assert np.array_equal(np.moveaxis(built.array(row), 0, -1), pixels)
