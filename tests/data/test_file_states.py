from __future__ import annotations

import os
from pathlib import Path

from tests.data.images import table_of, write_images
from vesalius.data.file_states import FileStates
from vesalius.files import ABSENT


def test_each_file_is_asked_about_and_an_absent_one_is_told(tmp_path: Path) -> None:
    names = list(write_images(tmp_path, 2))
    found = FileStates.of(table_of(tmp_path, [*names, "gone.png"]))
    assert found.names == [*names, "gone.png"]
    assert found.paths[0] == str(tmp_path / names[0])
    assert found.sizes.tolist() == [*((tmp_path / name).stat().st_size for name in names), ABSENT[0]]
    assert found.objects is None


def test_a_changed_file_has_another_state(tmp_path: Path) -> None:
    (name,) = write_images(tmp_path, 1)
    table = table_of(tmp_path, [name])
    before = FileStates.of(table)
    os.utime(tmp_path / name, ns=(0, before.changed[0] + 1))
    after = FileStates.of(table)
    assert before.sizes.tolist() == after.sizes.tolist()
    assert before.changed.tolist() != after.changed.tolist()


def test_a_folder_stands_for_all_its_files(tmp_path: Path) -> None:
    (tmp_path / "series").mkdir()
    for number in range(3):
        (tmp_path / "series" / f"{number}.dcm").write_bytes(b"x" * 10)
    found = FileStates.of(table_of(tmp_path, ["series", "series#1234"]))
    assert found.sizes.tolist() == [30, 30]
    (tmp_path / "series" / "3.dcm").write_bytes(b"x")
    assert FileStates.of(table_of(tmp_path, ["series"])).sizes.tolist() == [31]
