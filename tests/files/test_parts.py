"""A zip in parts is read as one, unpacked file by file, and resumed; what is wrong with it is said by the name of a part."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest

from vesalius.errors import NoRoom, UserError
from vesalius.files import parts as module
from vesalius.files.parts import Joined, parts_of, unpack

CONTENT = {f"train/{n}_left.jpeg": np.random.default_rng(n).bytes(4000 + n) for n in range(12)} | {"train/empty": b""}


def write(folder: Path, size: int = 10_000, content: dict[str, bytes] = CONTENT, name: str = "train.zip") -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    whole = folder / "whole"
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        for entry, data in content.items():
            archive.writestr(entry, data)
    data = whole.read_bytes()
    whole.unlink()
    made = []
    for number, start in enumerate(range(0, len(data), size), 1):
        made.append(folder / f"{name}.{number:03d}")
        made[-1].write_bytes(data[start : start + size])
    return made


def test_joined_reads_as_one_file(tmp_path: Path) -> None:
    made = write(tmp_path, 997)
    whole = b"".join(part.read_bytes() for part in made)
    with Joined(made) as joined:
        assert joined.readall() == whole
        for start, count in ((0, 5), (990, 20), (997, 1), (len(whole) - 3, 9), (3000, 4000)):
            joined.seek(start)
            found = b""
            while len(found) < count and (more := joined.read(count - len(found))):
                found += more
            assert found == whole[start : start + count]
        assert joined.seek(-4, 2) == len(whole) - 4
        assert joined.holding(996, 998) == ["train.zip.001", "train.zip.002"]


def test_parts_are_unpacked_and_nothing_else_is_written(tmp_path: Path) -> None:
    made = write(tmp_path / "packed")
    assert len(made) == 5
    assert unpack(parts_of(made[0]), tmp_path / "out") == (13, 0)
    assert {path.relative_to(tmp_path / "out").as_posix(): path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()} == CONTENT
    assert sorted((tmp_path / "packed").iterdir()) == made
    (tmp_path / "out/train/3_left.jpeg").write_bytes(b"cut")
    (tmp_path / "out/train/4_left.jpeg").unlink()
    assert unpack(made, tmp_path / "out") == (2, 11), "a file of another size is no whole file"


def test_it_goes_on_after_a_kill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = write(tmp_path)
    copied, real = [0], shutil.copyfileobj

    def killed(source: object, target: object, block: int) -> None:
        copied[0] += 1
        real(source, target, block)  # type: ignore[arg-type, type-var]
        if copied[0] == 6:
            raise KeyboardInterrupt

    monkeypatch.setattr(module.shutil, "copyfileobj", killed)
    with pytest.raises(KeyboardInterrupt):
        unpack(made, tmp_path / "out")
    monkeypatch.undo()
    assert unpack(made, tmp_path / "out") == (8, 5)
    assert len(list((tmp_path / "out").rglob("*.*"))) == 12, "no draft is left"


def test_a_damaged_part_is_named(tmp_path: Path) -> None:
    made = write(tmp_path)
    data = bytearray(made[2].read_bytes())
    data[5000] ^= 255
    made[2].write_bytes(bytes(data))
    with pytest.raises(UserError, match=r"it lies in train\.zip\.003\. Get that part again"):
        unpack(made, tmp_path / "out")


@pytest.mark.parametrize(
    ("harm", "words"), [("gap", r"zip\.003 is missing"), ("cut", r"zip\.002 is cut short"), ("last", r"zip\.004 is not its last part")]
)
def test_what_is_not_complete_is_named(tmp_path: Path, harm: str, words: str) -> None:
    made = write(tmp_path)
    if harm == "cut":
        made[1].write_bytes(made[1].read_bytes()[:-1])
    else:
        made[2 if harm == "gap" else 4].unlink()
    with pytest.raises(UserError, match=words):
        unpack(parts_of(made[0]), tmp_path / "out")


def test_what_means_harm_is_refused_before_anything_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match="outside the folder"):
        unpack(write(tmp_path / "a", content={"good": b"1", "../../evil": b"2"}), tmp_path / "out")
    bomb = write(tmp_path / "b", 1 << 20, {f"{n}": bytes(1 << 20) for n in range(2)})
    monkeypatch.setattr(module, "_RATIO_COUNTS_FROM", 1 << 16)
    with pytest.raises(UserError, match="decompression bomb"):
        unpack(bomb, tmp_path / "out")
    monkeypatch.setattr("vesalius.files.room.free_bytes", lambda place: 20_000)
    with pytest.raises(NoRoom, match=r"Unpacking train\.zip needs"):
        unpack(write(tmp_path / "c"), tmp_path / "out")
    assert not (tmp_path / "out").exists()
