"""Archives that mean no harm are unpacked, the others leave nothing behind."""

from __future__ import annotations

import io
import stat
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from vesalius.errors import UserError
from vesalius.files import extract

FILES = {"set/train/a.png": b"a" * 1000, "set/train/b.png": b"b", "set/readme": b"", "top.csv": b"x,y\n"}


def _zip(path: Path, files: dict[str, bytes], **links: str) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
        for name, target in links.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = (stat.S_IFLNK | 0o777) << 16
            archive.writestr(info, target)
    return path


def _tar(path: Path, files: dict[str, bytes], *special: tarfile.TarInfo, mode: str = "w:gz") -> Path:
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
        for info in special:
            archive.addfile(info)
    return path


def _special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.mode = kind, target, 0o777
    return info


@pytest.mark.parametrize("name", ["set.zip", "set.tar", "set.tar.gz", "set.tar.bz2", "set.tar.xz"])
def test_unpacks(name: str, tmp_path: Path) -> None:
    modes = {"set.tar": "w", "set.tar.gz": "w:gz", "set.tar.bz2": "w:bz2", "set.tar.xz": "w:xz"}
    make: Callable[[], Path] = lambda: (  # noqa: E731
        _zip(tmp_path / name, FILES) if name == "set.zip" else _tar(tmp_path / name, FILES, mode=modes[name])
    )
    archive = make()
    out = tmp_path / "out"
    for _ in range(2):  # the second time over the first
        assert extract(archive, out) == out
        found = {p.relative_to(out).as_posix(): p.read_bytes() for p in out.rglob("*") if p.is_file()}
        assert found == FILES


def test_keeps_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    extract(_zip(tmp_path / "a.zip", FILES), tmp_path)
    assert (tmp_path / "mine").read_text() == "mine"
    assert {p.name for p in tmp_path.iterdir()} == {"mine", "a.zip", "set", "top.csv"}


EVIL = {
    "zip-slip": lambda p: _zip(p, {"good": b"1", "../evil": b"2"}),
    "zip-deep-slip": lambda p: _zip(p, {"good": b"1", "a/../../evil": b"2"}),
    "zip-absolute": lambda p: _zip(p, {"/tmp/evil": b"2"}),
    "zip-backslash": lambda p: _zip(p, {"..\\evil": b"2"}),
    "zip-drive": lambda p: _zip(p, {"C:\\evil": b"2"}),
    "zip-link": lambda p: _zip(p, {"good": b"1"}, evil="/etc/passwd"),
    "tar-slip": lambda p: _tar(p, {"good": b"1", "../evil": b"2"}),
    "tar-absolute": lambda p: _tar(p, {"/tmp/evil": b"2"}),
    "tar-link": lambda p: _tar(p, {"good": b"1"}, _special("evil", tarfile.SYMTYPE, "/etc")),
    "tar-hard-link": lambda p: _tar(p, {"good": b"1"}, _special("evil", tarfile.LNKTYPE, "../good")),
    "tar-device": lambda p: _tar(p, {"good": b"1"}, _special("evil", tarfile.CHRTYPE)),
    "tar-block": lambda p: _tar(p, {"good": b"1"}, _special("evil", tarfile.BLKTYPE)),
    "tar-pipe": lambda p: _tar(p, {"good": b"1"}, _special("evil", tarfile.FIFOTYPE)),
}


@pytest.mark.parametrize("name", EVIL)
def test_refuses_and_keeps_nothing(name: str, tmp_path: Path) -> None:
    archive = EVIL[name](tmp_path / "evil.bin")
    with pytest.raises(UserError, match="evil"):
        extract(archive, tmp_path / "below" / "out")
    assert not list((tmp_path / "below" / "out").glob("*"))
    assert not [p for p in tmp_path.rglob("*evil*") if p != archive]


def test_bombs_by_ratio_and_by_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = _zip(tmp_path / "bomb.zip", {"zeros": bytes(80 << 20)})
    with pytest.raises(UserError, match="bomb"):
        extract(bomb, tmp_path / "out")
    with pytest.raises(UserError, match="bomb"):
        extract(_tar(tmp_path / "bomb.tar.gz", {"zeros": bytes(80 << 20)}), tmp_path / "out")
    with pytest.raises(UserError, match="bomb"):
        extract(_zip(tmp_path / "big.zip", FILES), tmp_path / "out", max_bytes=500)
    assert not list((tmp_path / "out").glob("*"))
    assert extract(bomb, tmp_path / "out", max_ratio=2000).joinpath("zeros").stat().st_size == 80 << 20


@pytest.mark.parametrize("cut", [10, 200])
def test_damaged_archives(cut: int, tmp_path: Path) -> None:
    for archive in (_zip(tmp_path / "a.zip", FILES), _tar(tmp_path / "a.tar.gz", {"x": bytes(range(256)) * 99})):
        archive.write_bytes(archive.read_bytes()[:-cut])
        with pytest.raises(UserError, match=archive.name):
            extract(archive, tmp_path / "out")
    assert not list((tmp_path / "out").glob("*"))


def test_flipped_bytes_are_found_by_the_checksum(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_STORED) as stored:
        stored.writestr("x", b"q" * 5000)
    data = bytearray((tmp_path / "a.zip").read_bytes())
    data[2500] ^= 1
    (tmp_path / "a.zip").write_bytes(bytes(data))
    with pytest.raises(UserError, match="damaged"):
        extract(tmp_path / "a.zip", tmp_path / "out")


def test_what_is_no_archive(tmp_path: Path) -> None:
    (tmp_path / "page.zip").write_text("<html>404</html>")
    with pytest.raises(UserError, match="neither"):
        extract(tmp_path / "page.zip", tmp_path / "out")
    with pytest.raises(UserError, match="not there"):
        extract(tmp_path / "absent.zip", tmp_path / "out")
