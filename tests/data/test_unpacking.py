"""``vesalius data unpack`` and what ``data check`` and ``data index`` make of downloads that are not unpacked."""

from __future__ import annotations

import hashlib
import shutil
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.coverage.command_line import vesalius
from tests.trees import nih, transfer
from vesalius.data.references import resolve
from vesalius.errors import UserError


def packed(tmp_path: Path, part: int = 6000) -> Path:
    """EyePACS as Kaggle gives it: one zip that holds the parts of others."""
    tree, downloads = transfer.eyepacs(tmp_path / "tree"), tmp_path / "downloads"
    downloads.mkdir()
    for name in ("train", "test"):
        zipped = Path(shutil.make_archive(str(tmp_path / name), "zip", tree, name)).read_bytes()
        for number, start in enumerate(range(0, len(zipped), part), 1):
            (downloads / f"{name}.zip.{number:03d}").write_bytes(zipped[start : start + part])
    for name in ("trainLabels.csv", "testLabels.csv"):
        with zipfile.ZipFile(downloads / f"{name}.zip", "w") as archive:
            archive.write(tree / name, name)
    return downloads


def test_kaggle_s_parts_are_joined_and_unpacked(tmp_path: Path) -> None:
    downloads = packed(tmp_path)
    told = vesalius("data", "check", f"eyepacs@{downloads}")
    assert told.code == 2
    assert "vesalius data unpack eyepacs@FOLDER" in " ".join(told.said.split())
    told = vesalius("data", "unpack", f"eyepacs@{downloads}")
    said = " ".join(told.said.split())
    assert told.code == 0, said
    assert f"train.zip.001: MD5 {hashlib.md5((downloads / 'train.zip.001').read_bytes()).hexdigest()}" in said
    assert "discussion/12543" in said
    assert "train.zip: 20 files unpacked." in said
    assert "4 archives unpacked." in said
    assert resolve(f"eyepacs@{downloads}").fingerprint() == resolve(f"eyepacs@{tmp_path / 'tree'}").fingerprint()
    assert "Everything was unpacked before" in vesalius("data", "unpack", f"eyepacs@{downloads}").said


def test_an_archive_of_archives_is_unpacked_elsewhere(tmp_path: Path) -> None:
    downloads = packed(tmp_path)
    outer = Path(shutil.make_archive(str(tmp_path / "all/diabetic-retinopathy-detection"), "zip", downloads))
    told = vesalius("data", "unpack", f"diabetic_retinopathy@{outer.parent}", "--out", str(tmp_path / "here"))
    assert told.code == 0, told.said
    assert len(resolve(f"eyepacs@{tmp_path / 'here'}")) == 30
    assert [path.name for path in outer.parent.iterdir()] == [outer.name]


def test_listed_digests_are_compared(tmp_path: Path) -> None:
    downloads = packed(tmp_path)
    parts = sorted(downloads.glob("*.zip.*"))
    lines = [f"MD5 ({part.name}) = {hashlib.md5(part.read_bytes()).hexdigest().upper()}" for part in parts if part.name[-3:].isdigit()]
    (downloads / "MD5SUMS").write_text("\n".join(lines))
    assert "as listed" in " ".join(vesalius("data", "unpack", f"eyepacs@{downloads}").said.split())
    (downloads / ".vesalius-unpacked.json").unlink()
    (downloads / "MD5SUMS").write_text(f"{'0' * 32}  train.zip.001\n")
    told = vesalius("data", "unpack", f"eyepacs@{downloads}")
    assert told.code == 2
    assert "train.zip.001 is not what its publisher lists" in " ".join(told.said.split())


def test_index_unpacks_what_is_packed(tmp_path: Path) -> None:
    downloads = packed(tmp_path)
    told = vesalius("data", "index", f"eyepacs@{downloads}")
    assert told.code == 0, told.said
    assert "30 images" in told.said


def test_nih_s_folders_of_images_are_unpacked_and_need_no_merging(tmp_path: Path) -> None:
    root = nih.write(tmp_path / "nih", 6, layout="images", side=16)
    for number, file in enumerate(sorted((root / "images").iterdir())):
        with tarfile.open(root / f"images_{1 + number:03d}.tar.gz", "w:gz") as archive:
            archive.add(file, f"images/{file.name}")
    shutil.rmtree(root / "images")
    with pytest.raises(UserError, match="vesalius data unpack nih-chestxray14@FOLDER"):
        resolve(f"chestx@{root}")
    assert vesalius("data", "unpack", f"chestx@{root}").code == 0
    assert len(resolve(f"nih-chestxray14@{root}")) == 12


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("nothing", "holds no zip or tar. Give the folder"),
        ("a.7z", "a.7z is of a kind"),
        ("a.zip.002", "a.zip.001 is missing"),
        ("a.zip", "a.zip cannot be opened"),
    ],
)
def test_what_is_wrong_is_one_paragraph(tmp_path: Path, name: str, words: str) -> None:
    (tmp_path / name).write_bytes(b"x" * 100)
    told = vesalius("data", "unpack", f"shenzhen@{tmp_path}")
    assert told.code == 2
    assert words in " ".join(told.said.split())
    assert "names no folder here" in " ".join(vesalius("data", "unpack", "shenzhen").said.split())
