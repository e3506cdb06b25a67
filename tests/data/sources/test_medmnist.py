from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.data.server import serve
from tests.data.sources.native import npz
from tests.data_sets import require
from vesalius.data.references import resolve
from vesalius.data.sources import medmnist
from vesalius.data.table import SampleTable
from vesalius.errors import UserError


def same_pixels(table: SampleTable, arrays: dict[str, Any]) -> None:
    assert table.container is not None
    for split in ("train", "val", "test"):
        rows = table.rows(split)
        ours = np.stack([table.container(table.frame["uri"][r])[table.frame["frame"][r]] for r in rows])
        np.testing.assert_array_equal(ours, arrays[f"{split}_images"])


@pytest.mark.parametrize(
    ("name", "shape", "labels", "most", "kind"),
    [
        ("pneumoniamnist", (28, 28), 1, 1, "binary"),
        ("pathmnist_64", (64, 64, 3), 1, 8, "classes"),
        ("retinamnist_128", (128, 128, 3), 1, 4, "ordinal"),
        ("chestmnist", (28, 28), 14, 1, "multilabel"),
        ("mine", (30, 20, 3), 1, 1, "binary"),
        ("mine", (30, 20), 1, 5, "classes"),
        ("mine", (30, 20, 1), 3, 1, "multilabel"),
    ],
)
def test_each_kind(tmp_path: Path, name: str, shape: tuple[int, ...], labels: int, most: int, kind: str) -> None:
    arrays = npz(tmp_path / f"{name}.npz", shape, labels, most)
    table = resolve(tmp_path / f"{name}.npz")
    task = table.require_task()
    assert (task.kind, len(table), table.split_by) == (kind, 13, "source")
    truth = np.concatenate([arrays[f"{split}_labels"] for split in ("train", "val", "test")])
    np.testing.assert_array_equal(table.targets(), truth)
    assert table.frame[["height", "width"]].iloc[0].tolist() == list(shape[:2])
    same_pixels(table, arrays)
    if name != "mine":
        assert task == medmnist.TASKS[name.partition("_")[0]]
        reference = f"medmnist@{tmp_path}:{name}"
        assert resolve(reference).fingerprint() == table.fingerprint()
        assert len(task.classes) == (labels if kind == "multilabel" else most + 1)


def test_fractions_are_a_regression_and_no_labels_are_none(tmp_path: Path) -> None:
    images = np.zeros((4, 9, 9), np.uint8)
    np.savez(tmp_path / "a.npz", train_images=images, train_labels=np.array([0.5, 1.5, 2, 3]))
    assert resolve(tmp_path / "a.npz").require_task().kind == "regression"
    np.savez(tmp_path / "b.npz", train_images=images)
    assert resolve(tmp_path / "b.npz").task is None
    np.savez(tmp_path / "c.npz", train_images=images, test_images=images, test_labels=np.array([[0], [1], [1], [0]]))
    table = resolve(tmp_path / "c.npz")
    np.testing.assert_array_equal(table.targets()[:, 0], [np.nan] * 4 + [0, 1, 1, 0])


def test_the_only_file_of_a_folder_needs_no_name(tmp_path: Path) -> None:
    npz(tmp_path / "breastmnist.npz")
    assert resolve(f"medmnist@{tmp_path}").require_task().name == "breastmnist"
    npz(tmp_path / "pneumoniamnist.npz")
    with pytest.raises(UserError, match=r"holds 2 \.npz files \(breastmnist\.npz, pneumoniamnist\.npz\)\. Say which"):
        resolve(f"medmnist@{tmp_path}")
    with pytest.raises(UserError, match=r"There is no pathmnist\.npz in"):
        resolve(f"medmnist@{tmp_path}:pathmnist")


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"images": np.zeros((2, 3, 3), np.uint8)}, "it holds images, but no train_images"),
        ({"train_images": np.zeros((2, 3, 3), np.float32)}, "type float32"),
        ({"train_images": np.zeros((2, 9, 9, 9), np.uint8)}, "volumes are given as a folder of NIfTI files"),
        ({"train_images": np.zeros((2, 3, 3), np.uint8), "train_labels": np.zeros((3, 1))}, "2 images but 3 labels"),
        (
            {"train_images": np.zeros((2, 3, 3), np.uint8), "train_labels": np.array([{}, {}])},
            "train_labels is damaged",
        ),
    ],
)
def test_a_bad_file_is_named(tmp_path: Path, arrays: dict[str, Any], said: str) -> None:
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(UserError, match=said) as error:
        resolve(tmp_path / "a.npz")
    assert "a.npz" in str(error.value)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 no zip", b"x" * 100])
def test_what_is_no_archive(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(UserError, match=r"damaged or no \.npz file"):
        resolve(tmp_path / "a.npz")


def test_damaged_pixels_are_named_when_they_are_read(tmp_path: Path) -> None:
    npz(tmp_path / "a.npz")
    data = bytearray((tmp_path / "a.npz").read_bytes())
    data[900:1100] = bytes(200)
    (tmp_path / "a.npz").write_bytes(data)
    table = resolve(tmp_path / "a.npz")
    assert table.container is not None
    with pytest.raises(UserError, match="train_images is damaged"):
        table.container(str(table.frame["uri"].iloc[0]))


def test_a_file_under_a_false_name(tmp_path: Path) -> None:
    npz(tmp_path / "pneumoniamnist.npz", most=4)
    with pytest.raises(UserError, match=r"its labels \(shape \(13, 1\), 0 to 4\) are not those of pneumoniamnist"):
        resolve(tmp_path / "pneumoniamnist.npz")


def test_a_large_array_is_unpacked_once_and_mapped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arrays = npz(tmp_path / "a.npz", (17, 19, 3))
    monkeypatch.setattr(medmnist, "_IN_MEMORY", 1000)
    one, two = (medmnist.read(tmp_path, "a.npz#train_images") for _ in range(2))
    assert isinstance(one, np.memmap)
    np.testing.assert_array_equal(one, arrays["train_images"])
    assert one.filename == two.filename  # type: ignore[attr-defined]


def test_the_sizes_and_sets_are_all_known() -> None:
    assert len(medmnist.FLAGS) == 12
    sums = [md5 for flag in medmnist.FLAGS.values() for md5 in flag.md5.values()]
    assert len(set(sums)) == 48
    assert all(len(md5) == 32 and int(md5, 16) >= 0 for md5 in sums)


def test_download(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    npz(tmp_path / "served" / "breastmnist_64.npz", (64, 64))
    content = (tmp_path / "served" / "breastmnist_64.npz").read_bytes()
    flag = medmnist.FLAGS["breastmnist"]
    monkeypatch.setitem(
        medmnist.FLAGS, "breastmnist", flag._replace(md5={64: hashlib.md5(content).hexdigest(), 28: "0" * 32})
    )
    with serve(tmp_path / "served") as web:
        web.breaks["breastmnist_64.npz"] = 500
        medmnist.download(tmp_path / "root", task="breastmnist_64", url=web.url)
        assert web.asked == [("breastmnist_64.npz", None), ("breastmnist_64.npz", "bytes=500-")]
        assert medmnist.present(tmp_path / "root", "breastmnist_64")
        assert not medmnist.present(tmp_path / "root", "breastmnist")
        with pytest.raises(UserError, match="404"):
            medmnist.download(tmp_path / "root", task="breastmnist", url=web.url)
        (tmp_path / "served" / "breastmnist.npz").write_bytes(content)
        with pytest.raises(UserError, match="not the file that was expected"):
            medmnist.download(tmp_path / "root", task="breastmnist_28", url=web.url)
    assert len(resolve(f"medmnist@{tmp_path / 'root'}")) == 13
    for wrong in (None, "organmnist3d", "breastmnist_32"):
        with pytest.raises(UserError, match="has no 2D set"):
            medmnist.download(tmp_path, task=wrong)


def test_the_real_pneumoniamnist() -> None:
    path = require("pneumoniamnist")
    table = resolve(path)
    assert table.frame["split"].value_counts().to_dict() == {"train": 4708, "val": 524, "test": 624}
    assert table.class_names == {"class": ["normal", "pneumonia"]}
    assert table.labels("class")[table.rows("test")].sum() == 390  # as published: 234 normal, 390 pneumonia
    assert table.container is not None
    assert table.container(str(table.frame["uri"].iloc[-1])).shape == (624, 28, 28)
    assert resolve(f"medmnist@{path.parent}:pneumoniamnist").fingerprint() == table.fingerprint()
