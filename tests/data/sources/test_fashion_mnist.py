from __future__ import annotations

import gzip
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.data.server import serve
from tests.data.sources.native import fashion, idx
from tests.data_sets import require
from vesalius.data.references import resolve
from vesalius.data.sources import fashion_mnist
from vesalius.errors import UserError


def packed(data: bytes) -> bytes:
    """gzip without the clock in it: the bytes stand in the tests' names."""
    return gzip.compress(data, mtime=0)



@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("below", ["", "FashionMNIST/raw"])
def test_the_native_files_are_read(tmp_path: Path, packed: bool, below: str) -> None:
    written = fashion(tmp_path / below, packed=packed)
    table = resolve(f"fashion-mnist@{tmp_path}")
    assert table.frame["split"].tolist() == ["train"] * 6 + ["test"] * 2
    assert table.labels("class").tolist() == [*written["train-labels-idx1-ubyte"], *written["t10k-labels-idx1-ubyte"]]
    assert table.container is not None
    at = table.frame.iloc[7]
    np.testing.assert_array_equal(table.container(at["uri"])[at["frame"]], written["t10k-images-idx3-ubyte"][1])


def test_ids_are_the_same_packed_or_not(tmp_path: Path) -> None:
    fashion(tmp_path / "a")
    fashion(tmp_path / "b" / "FashionMNIST" / "raw", packed=False)
    assert (
        resolve(f"fashion-mnist@{tmp_path / 'a'}").fingerprint()
        == resolve(f"fashion-mnist@{tmp_path / 'b'}").fingerprint()
    )


def test_the_arrays_are_read_only(tmp_path: Path) -> None:
    fashion(tmp_path)
    table = resolve(f"fashion-mnist@{tmp_path}")
    assert table.container is not None
    with pytest.raises(ValueError, match="read-only"):
        table.container(table.frame["uri"].iloc[0])[0] = 0


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("train-images-idx3-ubyte.gz", b"no gzip", "is no idx file"),
        ("train-labels-idx1-ubyte.gz", packed(idx(np.zeros(5))), "not Fashion-MNIST"),
        ("train-labels-idx1-ubyte.gz", packed(idx(np.full(6, 10))), "not Fashion-MNIST"),
        ("train-labels-idx1-ubyte.gz", packed(idx(np.zeros(6)))[:-12], "is damaged|no idx file"),
        ("train-labels-idx1-ubyte.gz", packed(idx(np.zeros(6))[:-1]), "promises 6 values and 5"),
        ("t10k-images-idx3-ubyte.gz", packed(idx(np.zeros((2, 32, 32)))), "2 images of 32 × 32"),
        ("t10k-images-idx3-ubyte.gz", packed(b"\0\0\x0d\x03" + b"\0" * 12), "is no idx file"),
    ],
)
def test_a_bad_file_is_named(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    fashion(tmp_path)
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=said) as error:
        resolve(f"fashion-mnist@{tmp_path}")
    assert name in str(error.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    fashion(tmp_path)
    (tmp_path / "t10k-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(UserError, match=r"holds no t10k-labels-idx1-ubyte\.gz"):
        resolve(f"fashion-mnist@{tmp_path}")


def test_download(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import hashlib

    fashion(tmp_path / "served")
    sums = {p.name: hashlib.md5(p.read_bytes()).hexdigest() for p in (tmp_path / "served").iterdir()}
    monkeypatch.setattr(fashion_mnist, "MD5", sums)
    monkeypatch.setattr(fashion_mnist, "PLACES", ())
    monkeypatch.setenv("VESALIUS_DATA", str(tmp_path / "data"))
    with pytest.raises(UserError, match="allow the download"):
        resolve("fashion-mnist")
    with serve(tmp_path / "served") as web:
        original = fashion_mnist.download

        def local(root: Path, **rest: Any) -> None:
            original(root, **{**rest, "url": web.url})

        monkeypatch.setattr(fashion_mnist, "download", local)
        assert len(resolve("fashion-mnist", download=True)) == 8
        assert len(resolve("fashion-mnist")) == 8
        assert len(web.asked) == 4


def test_the_real_one_is_found_by_itself() -> None:
    require("fashion-mnist")
    table = resolve("fashion-mnist")
    assert len(table) == 70_000
    assert set(Counter(table.labels("class")[table.rows("train")]).values()) == {6000}
    assert set(Counter(table.labels("class")[table.rows("test")]).values()) == {1000}
    assert table.container is not None
    images = table.container(str(table.frame["uri"].iloc[0]))
    assert images.shape == (60_000, 28, 28)
    assert images.mean() / 255 == pytest.approx(0.2860, abs=1e-4)  # the mean that everyone normalises with
    assert table.require_task().classes[int(table.labels("class")[0])] == "Ankle boot"
