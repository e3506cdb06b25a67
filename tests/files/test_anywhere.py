from __future__ import annotations

from pathlib import Path

from vesalius.files.anywhere import contents, explained, kind_of, opened, state_of
from vesalius.files.objects import ABSENT


def test_files_of_this_machine_are_asked_about_and_read(tmp_path: Path) -> None:
    file = tmp_path / "a.bin"
    file.write_bytes(b"12345")
    assert (kind_of(file), kind_of(tmp_path), kind_of(tmp_path / "no")) == ("file", "folder", None)
    assert contents(file) == b"12345"
    assert state_of(file) == (5, file.stat().st_mtime_ns)
    assert state_of(tmp_path / "no") == ABSENT
    with opened(file) as stream:
        stream.seek(3)
        assert stream.read() == b"45"


def test_what_cannot_be_read_is_explained_in_one_paragraph() -> None:
    place = "s3://bucket/folder"
    for error, words in [
        (PermissionError(), "credentials"),
        (FileNotFoundError(), "nothing at s3://bucket/folder"),
        (OSError("loud words of a driver"), "could not be read (OSError)"),
    ]:
        said = str(explained(place, error))
        assert words in said
        assert "loud words" not in said
        assert said.endswith(".")
