from __future__ import annotations

import threading

import pytest

from vesalius.data import fetching
from vesalius.data.fetching import ahead


class Shelf:
    """Files by name; counts what is asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self._guard = threading.Lock()

    def read(self, uri: str, size: int | None) -> bytes:
        with self._guard:
            self.asked.append(uri)
        if uri == "broken":
            raise OSError("gone")
        return uri.encode()


def test_files_come_in_the_order_they_are_wanted_each_fetched_once() -> None:
    shelf = Shelf()
    wanted = [(number, f"file {number}", 10) for number in range(50)]
    found = [(what, read()) for what, read in ahead(shelf, wanted, threads=4)]  # type: ignore[arg-type]
    assert found == [(number, f"file {number}".encode()) for number in range(50)]
    assert sorted(shelf.asked) == sorted(uri for _, uri, _ in wanted)


def test_a_failure_is_raised_where_the_file_is_read_and_nowhere_else() -> None:
    found = list(ahead(Shelf(), [("a", "fine", 1), ("b", "broken", 1), ("c", "fine", 1)]))  # type: ignore[arg-type]
    assert found[0][1]() == found[2][1]() == b"fine"
    with pytest.raises(OSError, match="gone"):
        found[1][1]()


def test_no_more_is_fetched_ahead_than_memory_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "_HELD_BYTES", 25)
    shelf = Shelf()
    given = ahead(shelf, [(number, f"{number}", 10) for number in range(20)], threads=8)  # type: ignore[arg-type]
    next(given)[1]()
    assert len(shelf.asked) <= 3
    given.close()
