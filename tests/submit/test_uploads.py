from __future__ import annotations

from pathlib import Path

import pytest

from vesalius.errors import UserError
from vesalius.submit.uploads import uploads
from vesalius.submit.verb_line import VerbLine


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")


def line(*words: str) -> VerbLine:
    return VerbLine("embed", words, None, None, None)


def test_files_that_are_named_go_along_and_data_do_not() -> None:
    for name in ("net.py", "images.csv"):
        Path(name).write_text("x = 1\n")
    assert uploads(line("embed", "--encoder", "net.py:build", "--data", "images.csv", "--plugins", "absent.py")) == [Path("net.py")]


def test_a_file_beyond_this_folder_is_refused() -> None:
    Path("../net.py").write_text("x = 1\n")
    with pytest.raises(UserError, match="is not below this folder"):
        uploads(line("embed", "--encoder", "../net.py:build"))
