from __future__ import annotations

import socket
import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from vesalius.data.references import resolve
from vesalius.data.sources import demo
from vesalius.data.table import SampleTable


@pytest.fixture(scope="module")
def table() -> SampleTable:
    return resolve("demo")


@pytest.fixture(scope="module")
def images(table: SampleTable) -> NDArray[np.uint8]:
    assert table.container is not None
    return table.container(table.frame["uri"].iloc[0])


def test_the_table(table: SampleTable, images: NDArray[np.uint8]) -> None:
    assert images.shape == (len(table), 32, 32)
    assert images.dtype == np.uint8
    assert table.frame["frame"].tolist() == list(range(len(table)))
    assert {part: len(table.rows(part)) for part in ("train", "val", "test")} == {
        "train": 5800,
        "val": 900,
        "test": 1800,
    }
    for part in ("train", "val", "test"):  # every region in every part, often enough for an interval
        assert np.bincount(table.labels("region")[table.rows(part)].astype(int), minlength=6).min() >= 60
    assert table.require_task().classes == tuple(table.class_names["region"])
    assert "not of people" in table.warnings[0]
    assert table.subjects is None


def test_made_anew_it_is_the_same(table: SampleTable, images: NDArray[np.uint8]) -> None:
    demo._plan.cache_clear()
    demo._template.cache_clear()
    assert demo.index(None).fingerprint() == table.fingerprint()
    np.testing.assert_array_equal(demo.read(demo.Path(), "mni152-sagittal"), images)


def test_it_needs_no_network() -> None:
    code = (
        "import socket\n"
        "def refuse(*a, **k): raise AssertionError('the network was asked')\n"
        "socket.socket.connect = socket.getaddrinfo = socket.create_connection = refuse\n"
        "from vesalius.data.references import resolve\n"
        "t = resolve('demo'); print(t.container(t.frame['uri'].iloc[0]).shape)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["(8500,", "32,", "32)"]
    assert socket.getaddrinfo  # only the child was cut off


def test_the_parts_are_other_slices_six_millimetres_apart(table: SampleTable) -> None:
    at = {part: np.unique(table.frame["meta.x"].to_numpy()[table.rows(part)]) for part in ("train", "val", "test")}
    for one, other in (("train", "val"), ("train", "test"), ("val", "test")):
        assert np.abs(at[one][:, None] - at[other]).min() >= 6


def test_a_patch_reads_its_own_slice_and_no_other(images: NDArray[np.uint8]) -> None:
    volume, plan = demo._volume(), demo._plan()
    x = int(plan.slices[0])
    rows = np.flatnonzero(plan.slices == x)[:20]
    alone = np.random.default_rng(0).random(volume.shape, np.float32)
    alone[x] = volume[x]
    some = demo.Plan(plan.slices[rows], plan.centres[rows], plan.tilt[rows], plan.field[rows])
    np.testing.assert_array_equal(demo.cut(alone, some), images[rows])


def test_one_hemisphere_because_the_template_is_its_own_mirror_image(table: SampleTable) -> None:
    volume, middle = demo._volume(), -int(demo._origin()[0])
    reach = min(middle, len(volume) - 1 - middle)
    np.testing.assert_array_equal(volume[middle - reach : middle], volume[middle + 1 : middle + reach + 1][::-1])
    assert table.frame["meta.x"].min() > 0


def test_a_patch_lies_where_the_table_says() -> None:
    """An upright patch of 32 mm equals the slice itself: rows from the crown down, columns from the back forward."""
    zero = demo._origin()
    place = np.array([10, -30, 20]) - zero
    plan = demo.Plan(place[:1], place[None, 1:], np.zeros(1), np.full(1, 32.0))
    got = demo.cut(demo._volume(), plan)[0].astype(float)
    y, z = place[1:]
    slice_ = demo._volume()[place[0]]
    want = slice_[y - 16 : y + 16, z - 16 : z + 16].T[::-1]  # half a voxel off, and not smoothed
    assert np.corrcoef(got.ravel(), want.ravel())[0, 1] > 0.9
    for wrong in (want[::-1], want[:, ::-1], want.T):
        assert np.corrcoef(got.ravel(), wrong.ravel())[0, 1] < 0.8


@pytest.mark.parametrize(
    ("place", "region"),
    [
        ((30, 50, 20), "frontal"),
        ((8, -60, 45), "parietal"),
        ((58, -20, -18), "temporal"),
        ((10, -95, 5), "occipital"),
        ((11, -12, 6), "insula and deep grey"),
        ((24, -62, -38), "cerebellum"),
    ],
)
def test_regions_are_where_an_anatomist_puts_them(place: tuple[int, int, int], region: str) -> None:
    both = demo._regions(np.array([place, (-place[0], *place[1:])]))
    assert [tuple(demo.REGIONS)[int(i)] for i in both] == [region, region]


def test_mean_and_deviation_tell_nothing(table: SampleTable, images: NDArray[np.uint8]) -> None:
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    mean, spread = images.mean((1, 2)), images.std((1, 2))
    assert np.abs(mean - 128).max() < 1
    assert np.abs(spread - 48).max() < 1
    features = StandardScaler().fit_transform(np.column_stack([mean, spread, mean**2, spread**2, mean * spread]))
    labels, train = table.labels("region"), table.rows("train")
    probe = LogisticRegression(max_iter=500).fit(features[train], labels[train])
    for part in ("val", "test"):
        rows = table.rows(part)
        majority = (labels[rows] == np.bincount(labels[train].astype(int)).argmax()).mean()
        assert probe.score(features[rows], labels[rows]) < majority + 0.03


def test_slabs_are_in_order_and_do_not_touch() -> None:
    assert all(second[0] - first[1] >= 6 for first, second in pairwise(demo.SLABS))
