from __future__ import annotations

import io
from typing import Any

import pytest

from vesalius.files import patience
from vesalius.files.steady import Ranges, steady


class Driver:
    """Gives ten bytes; every other request breaks off."""

    def __init__(self) -> None:
        self.asked = 0

    def info(self, path: str) -> dict[str, Any]:
        self.asked += 1
        if self.asked % 2:
            raise ConnectionError("broken")
        if path != "there":
            raise FileNotFoundError(path)
        return {"size": 10, "type": "file"}

    def cat_file(self, path: str, start: int = 0, end: int | None = None) -> bytes:
        self.asked += 1
        if self.asked % 2:
            raise ConnectionError("broken")
        return bytes(range(10))[start:end]

    ls = find = glob = cat_file

    def open(self, path: str, mode: str = "rb", *words: Any, **options: Any) -> Any:
        return io.BytesIO(b"plain")

    isdir = exists = isfile = open


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience.time, "sleep", lambda seconds: None)


def test_a_broken_connection_is_neither_an_absent_file_nor_seen_while_reading() -> None:
    driver: Any = Driver()
    steady(driver, web=False)
    assert driver.exists("there")
    assert driver.isfile("there")
    assert not driver.isdir("there")
    assert not driver.exists("elsewhere")
    with driver.open("there") as file:
        assert file.read(3) == bytes([0, 1, 2])
        file.seek(-2, io.SEEK_END)
        assert file.read() == bytes([8, 9])
    assert driver.open("there", "w").read() == b"plain"


def test_a_driver_is_made_steady_once() -> None:
    driver: Any = Driver()
    steady(driver, web=False)
    first = driver.cat_file
    steady(driver, web=False)
    assert driver.cat_file is first


def test_ranges_read_what_is_left_and_no_more() -> None:
    driver: Any = Driver()
    steady(driver, web=False)
    file = Ranges(driver, "there")
    assert file.readable()
    assert file.seekable()
    file.seek(7)
    assert file.readall() == bytes([7, 8, 9])
    assert file.tell() == 10
    assert file.readall() == b""
