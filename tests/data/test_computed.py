from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from vesalius.data import computed as module
from vesalius.data.computed import NAMES, computed, measured
from vesalius.data.table import SampleTable
from vesalius.errors import UserError

RNG = np.random.default_rng(1)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("VESALIUS_CACHE", str(tmp_path / "cache"))


def slowly(pixels):
    """Of (H, W) or (H, W, 3) in [0, 1], with loops."""
    colours = [pixels] * 3 if pixels.ndim == 2 else [pixels[..., c] for c in range(3)]
    grey = pixels if pixels.ndim == 2 else 0.299 * colours[0] + 0.587 * colours[1] + 0.114 * colours[2]
    height, width = grey.shape
    second = [
        grey[y - 1, x] + grey[y + 1, x] + grey[y, x - 1] + grey[y, x + 1] - 4 * grey[y, x] for y in range(1, height - 1) for x in range(1, width - 1)
    ]
    means = [float(c.mean()) for c in colours]
    return {
        "width": width, "height": height, "sharpness": 255**2 * np.var(second), "snr": grey.mean() / grey.std(),
        "mean_red": means[0], "mean_green": means[1], "mean_blue": means[2], "contrast": grey.std(),
    }  # fmt: skip


@pytest.fixture
def images(tmp_path):
    folder = tmp_path / "images"
    (folder / "sub").mkdir(parents=True)
    arrays = {
        "a.png": RNG.integers(0, 256, (9, 12, 3)).astype(np.uint8),
        "sub/b.png": RNG.integers(0, 256, (7, 5)).astype(np.uint8),
        "deep.png": RNG.integers(0, 65536, (6, 8)).astype(np.uint16),
    }
    for name, pixels in arrays.items():
        Image.fromarray(pixels).save(folder / name)
    return folder, arrays


def table_of(folder, names, **rest):
    return SampleTable.of("folder", folder, list(names), **rest)


def test_values_are_what_their_definitions_say(images):
    folder, arrays = images
    found = computed(table_of(folder, arrays))
    for row, (name, pixels) in enumerate(arrays.items()):
        expected = slowly(pixels.astype(float) / np.iinfo(pixels.dtype).max)
        for key, value in expected.items():
            assert found.values[key][row] == pytest.approx(value, rel=1e-4), (name, key)
        assert found.values["size_in_bytes"][row] == (folder / name).stat().st_size
    assert not found.refused


def test_a_blurred_image_is_less_sharp_and_a_noisy_one_has_less_signal():
    smooth = np.clip(np.linspace(0.3, 0.7, 40)[None, :, None] + np.zeros((40, 40, 1)), 0, 1).transpose(2, 0, 1).astype(np.float32)
    noisy = np.clip(smooth + RNG.normal(0, 0.2, smooth.shape), 0, 1).astype(np.float32)
    assert measured(noisy)["sharpness"] > 100 * measured(smooth)["sharpness"]
    assert measured(noisy)["snr"] < measured(smooth)["snr"]
    flat = measured(np.full((1, 5, 5), 0.5, np.float32))
    assert (flat["sharpness"], flat["contrast"]) == (0, 0)
    assert np.isnan(flat["snr"]), "no deviation: not a number, which no threshold lets pass"
    assert measured(np.zeros((1, 2, 2), np.float32))["sharpness"] == 0


def test_each_file_is_read_once_and_again_when_it_changed(images, monkeypatch):
    folder, arrays = images
    table = table_of(folder, arrays)
    first = computed(table, ("sharpness",)).values["sharpness"]
    read = []
    plain = module.read_bytes
    monkeypatch.setattr(module, "read_bytes", lambda source: (read.append(str(source)), plain(source))[1])
    np.testing.assert_array_equal(computed(table, ("sharpness",)).values["sharpness"], first)
    assert computed(table, ("snr",)).values["snr"].shape == (3,)
    assert read == []
    Image.fromarray(np.zeros((40, 40), np.uint8)).save(folder / "a.png")
    again = computed(table, ("sharpness",)).values["sharpness"]
    assert [name.rpartition("/")[2] for name in read] == ["a.png"]
    assert again[0] == 0
    np.testing.assert_array_equal(again[1:], first[1:])


def test_what_was_done_is_kept_when_it_is_interrupted(images, monkeypatch):
    folder, arrays = images
    table = table_of(folder, arrays)

    def stop(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        computed(table, threads=1, progress=stop)
    read = []
    plain = module.read_bytes
    monkeypatch.setattr(module, "read_bytes", lambda source: (read.append(source), plain(source))[1])
    computed(table)
    assert len(read) == 2


def test_sizes_of_files_alone_read_none(images, monkeypatch):
    folder, arrays = images
    monkeypatch.setattr(module, "read_bytes", lambda source: pytest.fail("read"))
    assert computed(table_of(folder, arrays), ("size_in_bytes",)).values["size_in_bytes"].tolist() == [(folder / name).stat().st_size for name in arrays]


def test_corrupt_and_vanished_files_are_said_and_do_not_end_it(images):
    folder, _ = images
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nno")
    found = computed(table_of(folder, ["a.png", "broken.png", "gone.png"]))
    assert sorted(found.refused) == [1, 2]
    assert np.isnan(found.values["width"]).tolist() == [False, True, True]


def test_boxes_and_frames_are_measured_alone(images):
    folder, arrays = images
    table = table_of(folder, ["a.png", "a.png"], boxes=[None, (2, 1, 4, 5)])
    found = computed(table).values
    expected = slowly(arrays["a.png"][1:6, 2:6] / 255)
    assert (found["width"][1], found["height"][1]) == (4, 5)
    assert found["contrast"][1] == pytest.approx(expected["contrast"], rel=1e-4)


def test_arrays_of_a_container_are_measured_too(tmp_path):
    stack = RNG.integers(0, 256, (5, 6, 7)).astype(np.uint8)
    (tmp_path / "x.bin").write_bytes(b"1")
    table = SampleTable.of("arrays", tmp_path, ["x.bin"] * 5, frames=range(5), container=lambda uri: stack)
    told = []
    found = computed(table, progress=lambda done, total: told.append((done, total)))
    assert told == [(5, 5)]
    np.testing.assert_allclose(found.values["mean_red"], stack.mean((1, 2)) / 255, rtol=1e-5)


def test_volumes_are_refused(tmp_path):
    with pytest.raises(UserError, match="are of images, and these data are volumes"):
        computed(SampleTable.of("v", tmp_path, ["a.nii"], dims=3))


def test_many_at_once_keep_what_all_found(images):
    folder, arrays = images
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(lambda name: computed(table_of(folder, [name]), NAMES), arrays))
    assert all(np.isfinite(one.values["sharpness"]).all() for one in found)
