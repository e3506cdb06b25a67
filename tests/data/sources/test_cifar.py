from __future__ import annotations

import hashlib
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.data.server import serve
from tests.data.sources.native import CIFAR, archive, cifar
from vesalius import registry
from vesalius.data.references import resolve
from vesalius.data.sources import cifar10, cifar100
from vesalius.data.table import SampleTable
from vesalius.errors import UserError

LABELS = {"cifar10": {"class": "labels"}, "cifar100": {"fine": "fine_labels", "coarse": "coarse_labels"}}


@pytest.mark.parametrize("name", CIFAR)
@pytest.mark.parametrize("deep", [True, False])
def test_the_native_files_are_read(tmp_path: Path, name: str, deep: bool) -> None:
    folder, written = cifar(tmp_path, name)
    table = resolve(f"{name}@{tmp_path if deep else folder}")
    assert len(table) == 4 * len(written)
    assert table.split_by == "source"
    assert table.container is not None
    row = 0
    for batch, content in written.items():
        for i in range(4):
            at = table.frame.iloc[row]
            pixels = table.container(at["uri"])[at["frame"]]
            np.testing.assert_array_equal(pixels, content["data"][i].reshape(3, 32, 32).transpose(1, 2, 0))
            assert at["split"] == CIFAR[name][1][batch]
            for label, key in LABELS[name].items():
                assert at[f"label.{label}"] == content[key][i]
            row += 1


@pytest.mark.parametrize("name", CIFAR)
def test_torchvision_reads_the_same(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import torchvision.datasets as peers

    cifar(tmp_path, name)
    peer_class: Any = {"cifar10": peers.CIFAR10, "cifar100": peers.CIFAR100}[name]
    monkeypatch.setattr(peer_class, "_check_integrity", lambda self: True)
    monkeypatch.setattr(peer_class, "_load_meta", lambda self: None)
    table = resolve(f"{name}@{tmp_path}")
    for split in ("train", "test"):
        peer = peer_class(tmp_path, train=split == "train")
        rows = table.rows(split)
        assert table.container is not None
        ours = np.stack([table.container(table.frame["uri"][r])[table.frame["frame"][r]] for r in rows])
        np.testing.assert_array_equal(ours, peer.data)
        assert table.targets()[rows, 0].tolist() == peer.targets


@pytest.mark.parametrize("name", CIFAR)
def test_ids_are_the_same_wherever_it_lies(tmp_path: Path, name: str) -> None:
    folder, _ = cifar(tmp_path / "a", name)
    cifar(tmp_path / "b" / "c", name)
    tables = [resolve(f"{name}@{root}") for root in (tmp_path / "a", folder, tmp_path / "b" / "c")]
    assert len({table.fingerprint() for table in tables}) == 1


def test_coarse_groups_are_a_task_of_their_own(tmp_path: Path) -> None:
    cifar(tmp_path, "cifar100")
    assert resolve(f"cifar100@{tmp_path}").require_task().labels == ("fine",)
    coarse = resolve(f"cifar100@{tmp_path}:coarse").require_task()
    assert (coarse.labels, len(coarse.classes)) == (("coarse",), 20)
    with pytest.raises(UserError, match="Did you mean coarse"):
        resolve(f"cifar100@{tmp_path}:corse")


def test_names_of_classes() -> None:
    assert (len(cifar10.CLASSES), len(set(cifar100.FINE)), len(set(cifar100.COARSE))) == (10, 100, 20)
    assert list(cifar100.FINE) == sorted(cifar100.FINE)
    assert list(cifar100.COARSE) == sorted(cifar100.COARSE)


def test_checksums_are_torchvisions() -> None:
    from torchvision.datasets import CIFAR10, CIFAR100

    for ours, peer in ((cifar10, CIFAR10), (cifar100, CIFAR100)):
        assert (ours.FILES.md5, ours.FILES.url) == (peer.tgz_md5, peer.url)


def test_a_table_saved_finds_its_pixels_again(tmp_path: Path) -> None:
    cifar(tmp_path, "cifar10")
    table = SampleTable.load(resolve(f"cifar10@{tmp_path}").save(tmp_path / "t.parquet"))
    assert table.container is not None
    assert table.container(table.frame["uri"].iloc[0]).shape == (4, 32, 32, 3)


class Bomb:
    def __reduce__(self) -> tuple[Any, ...]:
        return (eval, ("1/0",))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (pickle.dumps({"data": Bomb(), "labels": []}, 2), r"asks for __builtin__\.eval"),
        (pickle.dumps([1, 2], 2), "holds a list"),
        (pickle.dumps({"data": np.zeros((4, 3072)), "labels": [0] * 4}, 2), "not rows of 3072 bytes"),
        (pickle.dumps({"data": np.zeros((4, 3072), np.uint8), "labels": [0] * 3}, 2), "does not hold 4 valid labels"),
        (pickle.dumps({"data": np.zeros((4, 3072), np.uint8), "labels": [0, 1, 2, 10]}, 2), "4 valid labels"),
        (pickle.dumps({"data": np.zeros((4, 3072), np.uint8)}, 2)[:-900], "is damaged"),
        (b"", "is damaged"),
    ],
)
def test_a_bad_batch_is_named(tmp_path: Path, content: bytes, said: str) -> None:
    folder, _ = cifar(tmp_path, "cifar10")
    (folder / "data_batch_3").write_bytes(content)
    with pytest.raises(UserError, match=said) as error:
        resolve(f"cifar10@{tmp_path}")
    assert "data_batch_3" in str(error.value)


def test_a_missing_batch_is_named(tmp_path: Path) -> None:
    folder, _ = cifar(tmp_path, "cifar10")
    (folder / "data_batch_2").unlink()
    with pytest.raises(UserError, match=r"holds no data_batch_2, which cifar10 needs\. Give the folder"):
        resolve(f"cifar10@{tmp_path}")


@pytest.mark.parametrize("name", CIFAR)
def test_the_archive_is_downloaded_checked_and_unpacked(tmp_path: Path, name: str) -> None:
    module: Any = registry.entry("sources", name)
    folder, _ = cifar(tmp_path / "served", name)
    packed = archive(folder, tmp_path / "served" / "set.tar.gz")
    md5 = hashlib.md5(packed.read_bytes()).hexdigest()
    root = tmp_path / "root"
    with serve(tmp_path / "served") as web:
        web.breaks["set.tar.gz"] = 1000
        told: list[int] = []
        module.download(root, url=f"{web.url}set.tar.gz", md5=md5, progress=lambda done, total: told.append(done))
        assert web.asked == [("set.tar.gz", None), ("set.tar.gz", "bytes=1000-")]
        assert told[-1] == packed.stat().st_size
        assert module.present(root)
        assert len(resolve(f"{name}@{root}")) > 0
        assert not (root / "set.tar.gz").exists()
        with pytest.raises(UserError, match="is not the file that was expected"):
            module.download(tmp_path / "wrong", url=f"{web.url}set.tar.gz", md5="0" * 32)
    assert not module.present(tmp_path / "wrong")
