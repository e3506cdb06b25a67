from __future__ import annotations

import errno
from pathlib import Path

import pytest

from vesalius.errors import NoRoom, UserError
from vesalius.files.room import free_bytes, in_words, naming_failures, require_room


@pytest.mark.parametrize(("count", "words"), [(0, "0 bytes"), (1023, "1023 bytes"), (1536, "1.5 kB"), (3 << 20, "3.0 MB"), (5 << 40, "5.0 TB")])
def test_sizes_are_said_in_powers_of_1024(count: int, words: str) -> None:
    assert in_words(count) == words


def test_a_place_that_is_not_there_yet_has_the_room_of_its_disk(tmp_path: Path) -> None:
    assert free_bytes(tmp_path / "a" / "b") > 0
    require_room(tmp_path / "a" / "b", 1, "one byte")
    with pytest.raises(NoRoom, match=r"Stored pixels needs 1024.0 TB"):
        require_room(tmp_path, 1 << 50, "stored pixels")


@pytest.mark.parametrize(("number", "error"), [(errno.ENOSPC, NoRoom), (errno.EDQUOT, NoRoom), (errno.EIO, NoRoom), (errno.EROFS, UserError)])
def test_the_systems_refusals_become_errors_that_say_what_to_do(tmp_path: Path, number: int, error: type[Exception]) -> None:
    with pytest.raises(error, match=str(tmp_path)), naming_failures(tmp_path):
        raise OSError(number, "as the system says it")


def test_what_is_no_refusal_of_the_disk_goes_through(tmp_path: Path) -> None:
    with pytest.raises(ConnectionResetError), naming_failures(tmp_path):
        raise ConnectionResetError(errno.ECONNRESET, "gone")
