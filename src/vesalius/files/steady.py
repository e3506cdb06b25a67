"""Drivers made patient, so that pathlib's methods on an address are: ``is_file``, ``iterdir``, ``glob``, ``open``, ``read_text``."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

from vesalius.files.patience import patiently

_REPEATED = ("cat_file", "info", "ls", "find", "glob")
_MARK = "_vesalius_steady"


def steady(fs: Any, web: bool) -> None:
    """Let ``fs``, an instance of a driver, try again what fails in passing, and take no failure for an answer.

    Drivers say False to ``exists`` where the question did not get through; here that is asked again, and then an error.
    """
    if getattr(fs, _MARK, False):
        return
    for name in _REPEATED:
        setattr(fs, name, _repeated(_plain(fs, name)))
    plain_open = _plain(fs, "open")

    def kind(path: str) -> str | None:
        try:
            return str(fs.info(path)["type"])
        except FileNotFoundError:
            return None

    def opened(path: str, mode: str = "rb", *words: Any, **options: Any) -> Any:
        if mode != "rb":
            return plain_open(path, mode, *words, **options)  # text comes back here for its bytes
        return io.BufferedReader(Ranges(fs, path), 1 << 22)

    fs.open = opened
    fs.exists = lambda path, **_: kind(path) is not None
    fs.isfile = lambda path: kind(path) == "file"
    fs.isdir = _repeated(_plain(fs, "isdir")) if web else lambda path: kind(path) == "directory"
    setattr(fs, _MARK, True)


class Ranges(io.RawIOBase):
    """A remote file read by ranges, each tried again where the connection breaks."""

    def __init__(self, fs: Any, path: str) -> None:
        self._fs, self._path, self._at = fs, path, 0
        self._size = int(fs.info(path)["size"])

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes."""
        return True

    def tell(self) -> int:
        """Where the next byte is read."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go there; nothing is read."""
        self._at = max(0, offset + (0, self._at, self._size)[whence])
        return self._at

    def readall(self) -> bytes:
        """All that is left, in one request."""
        return self._range(max(0, self._size - self._at))

    def readinto(self, buffer: Any) -> int:
        """As much as fits, in one request."""
        data = self._range(min(len(buffer), max(0, self._size - self._at)))
        buffer[: len(data)] = data
        return len(data)

    def _range(self, count: int) -> bytes:
        if not count:
            return b""
        start = self._at

        def part() -> bytes:
            data = bytes(self._fs.cat_file(self._path, start=start, end=start + count))
            if len(data) != count:
                raise ConnectionError(f"{len(data)} of {count} bytes came")
            return data

        data = patiently(part)
        self._at += len(data)
        return data


def _plain(fs: Any, name: str) -> Callable[..., Any]:
    """The driver's own method: asynchronous drivers keep it on the instance, others on the class."""
    own = fs.__dict__.get(name)
    return own if own is not None else lambda *words, **options: getattr(type(fs), name)(fs, *words, **options)


def _repeated(plain: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *words, **options: patiently(lambda: plain(*words, **options))
