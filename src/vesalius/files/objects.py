"""What lies behind an address: listed a thousand to a request, asked about and read many at once, with patience."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b
from typing import Any
from urllib.parse import quote, unquote

from vesalius.files.addresses import is_web, place_of
from vesalius.files.patience import patiently

Progress = Callable[[int, int], None]
State = tuple[int, int]
"""Size in bytes and a number that changes with the content (nanoseconds here, a digest of the entity tag elsewhere)."""

ABSENT: State = (-1, -1)
AT_ONCE = 32
"""Requests under way at a time: what hides a server's distance."""

_FEW = 64  # so many files are asked one by one; more are found in a listing, a thousand to a request
_TAGS = ["ETag", "etag", "md5Hash", "generation", "content_md5", "LastModified", "last_modified", "updated", "Last-Modified", "mtime", "created"]


class Objects:
    """What lies below the address ``root``; uris are relative to it, with forward slashes."""

    def __init__(self, root: str) -> None:
        place: Any = place_of(root)
        self.root, self.fs, self._base = root, place.fs, str(place.path).rstrip("/")
        self._web = is_web(root)

    def read(self, uri: str, size: int | None = None, end: int | None = None) -> bytes:
        """The bytes of ``uri``, or its first ``end``; other than ``size`` bytes is taken for a broken connection.

        Raises FileNotFoundError, PermissionError, Unreachable.
        """
        path = self._path(uri)

        def whole() -> bytes:
            data = bytes(self.fs.cat_file(path, start=None if end is None else 0, end=end))
            if size is not None and len(data) != size:
                raise ConnectionError(f"{len(data)} of {size} bytes came")
            return data

        return patiently(whole)

    def state(self, uri: str, patience: float | None = None) -> State:
        """Size and mark of one file, ABSENT where there is none. Raises PermissionError, Unreachable."""
        try:
            return state_from(patiently(lambda: self.fs.info(self._path(uri)), patience))
        except FileNotFoundError:
            return ABSENT

    def states(self, uris: Collection[str]) -> dict[str, State]:
        """The state of each of ``uris``; ABSENT also where single ones could not be asked. Raises PermissionError, Unreachable."""
        if self._web or len(uris) <= _FEW:

            def asked(uri: str) -> State:
                try:
                    return self.state(uri)
                except OSError:
                    return ABSENT  # reading it will tell what is wrong

            with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="ask") as pool:
                return dict(zip(uris, pool.map(asked, uris), strict=True))
        found = dict.fromkeys(uris, ABSENT)
        first = {uri.partition("/")[0] for uri in uris if "/" in uri}
        for uri, state in self.walk(only=first):
            if uri in found:
                found[uri] = state
        return found

    def walk(self, progress: Progress | None = None, only: Collection[str] | None = None) -> Iterator[tuple[str, State]]:
        """Every file below the root with its state; of first-level folders those in ``only``. Raises as ``states`` does."""
        if self._web:
            yield from self._linked(progress)
            return
        seen = 0
        folders: list[str] = []
        for entry in patiently(lambda: self._listed(self._base)):
            name = self._uri(entry)
            if entry["type"] == "directory":
                if name and (only is None or name in only):
                    folders.append(str(entry["name"]).rstrip("/"))
            elif name:
                seen += 1
                yield name, state_from(entry)
        with ThreadPoolExecutor(8, thread_name_prefix="list") as pool:
            for start in range(0, len(folders), 8):  # few at a time: a listing is held in memory until it is passed on
                for found in pool.map(self._below, folders[start : start + 8]):
                    seen += len(found)
                    yield from found
                    if progress is not None:
                        progress(seen, 0)

    def _listed(self, folder: str) -> list[dict[str, Any]]:
        try:
            return list(self.fs.ls(folder, detail=True))
        except FileNotFoundError as error:
            if error.__cause__ is None or not folder:
                return []
            raise

    def _below(self, folder: str) -> list[tuple[str, State]]:
        entries = patiently(lambda: self.fs.find(folder, detail=True))
        return [(self._uri(entry), state_from(entry)) for entry in entries.values() if entry["type"] != "directory"]

    def _linked(self, progress: Progress | None) -> Iterator[tuple[str, State]]:
        """What the index pages of a web server link to, below each page; links upwards and to sortings are passed over."""
        stack, seen = [f"{self._base}/"], set[str]()
        while stack:
            page = stack.pop()
            for entry in patiently(lambda page=page: self.fs.ls(page, detail=True)):  # type: ignore[misc]
                name = str(entry["name"])
                if not name.startswith(page) or name == page or name in seen or "?" in name or "#" in name:
                    continue
                seen.add(name)
                if name.endswith("/"):
                    stack.append(name)
                else:
                    yield unquote(name[len(self._base) + 1 :]), (0, 0)
            if progress is not None:
                progress(len(seen), 0)

    def _path(self, uri: str) -> str:
        return f"{self._base}/{quote(uri) if self._web else uri}" if uri else self._base

    def _uri(self, entry: Mapping[str, Any]) -> str:
        name = str(entry["name"]).rstrip("/")
        return name.lstrip("/")[len(self._base.lstrip("/")) + 1 :]


def state_from(info: Mapping[str, Any]) -> State:
    """The state in what a driver says of a file."""
    tag = next((info[name] for name in _TAGS if info.get(name) is not None), None)
    if tag is None:
        return int(info.get("size") or 0), 0
    words = str(tag.timestamp() if hasattr(tag, "timestamp") else tag).removeprefix("W/").strip('"')  # listings and questions differ in form
    return int(info.get("size") or 0), int.from_bytes(blake2b(words.encode(), digest_size=8).digest(), "little") >> 1
