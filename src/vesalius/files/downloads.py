"""Downloads that go on where they stopped and are worth nothing until their checksum is right."""

from __future__ import annotations

import hashlib
import http.client
import os
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from vesalius.errors import UserError
from vesalius.files.locks import Lock
from vesalius.files.room import naming_failures, require_room
from vesalius.files.writing import atomic_write, sync_folder

_BLOCK = 1 << 20
_LEAST = 8
"""Hexadecimal digits of a checksum that stand for the whole."""


def checksum(path: str | Path, algorithm: str = "sha256") -> str:
    """Hex digest of a file by any algorithm of hashlib."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()


def download(
    url: str,
    path: str | Path,
    *,
    sha256: str | None = None,
    md5: str | None = None,
    pinned: bool = False,
    progress: Callable[[int, int], None] | None = None,
    attempts: int = 5,
    timeout: float = 30.0,
) -> Path:
    """Fetch ``url`` (http, https) to ``path`` and check it; a file already there and right is kept.

    Give ``sha256`` or ``md5`` (where the publisher gives no better), whole or its first eight digits or more, as names of files
    have them. ``pinned``, where the publisher gives none: the SHA-256 of the first download is kept as ``path.sha256``, also
    when the file is not, and later ones are held to it. Bytes arrive in ``path.part``, which a later call
    continues; ``progress(done, total)`` is in bytes, total 0 when unknown. Of several processes one downloads, the
    others wait. Raises UserError when the server fails, answers with a web page or the checksum is wrong, NoRoom when it does not fit.
    """
    path = Path(path)
    pin = path.with_name(path.name + ".sha256")
    if pinned and sha256 is None and md5 is None:
        sha256 = pin.read_text(encoding="ascii").split()[0] if pin.is_file() else ""
    algorithm, expected = ("sha256", sha256) if sha256 is not None else ("md5", md5)
    if expected is None or (len(expected) < _LEAST and not pinned):
        raise ValueError("download needs a sha256 or an md5 to check against")
    expected = expected.lower()
    if urlsplit(url).scheme not in ("http", "https"):
        raise UserError(f"{url} is not a web address: only http and https are downloaded.")
    with naming_failures(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    with Lock(path.with_name(f".{path.name}.lock")):
        if path.is_file() and checksum(path, algorithm).startswith(expected):
            return path
        part = path.with_name(path.name + ".part")
        resumed = part.exists()
        _fetch(url, part, progress, attempts, timeout)
        if resumed and not checksum(part, algorithm).startswith(expected):
            part.unlink()  # the beginning was of another version of the file: once more from nothing
            _fetch(url, part, progress, attempts, timeout)
        found = checksum(part, algorithm)
        if not found.startswith(expected) or (not expected and _page(part)):
            page = _page(part)
            part.unlink()
            if page:
                raise UserError(
                    f"{url} answered with a web page ({page}) and not with the file, as stores do that ask for a confirmation or a "
                    f"log-in. Open the address in a browser, save the file and put it at {path}."
                )
            raise UserError(
                f"What came from {url} is not the file that was expected: its {algorithm} is {found}, not {expected}. "
                f"It was deleted. Try again later, or put the right file at {path} yourself."
            )
        with naming_failures(path):
            os.replace(part, path)
            sync_folder(path.parent)
        if pinned and algorithm == "sha256" and not expected:
            atomic_write(pin, f"{found}  {path.name}\n")
    return path


def _page(file: Path) -> str:
    """The title of the web page in ``file``; empty where it is none."""
    with open(file, "rb") as opened:
        head = opened.read(1 << 16)
    if not head.lstrip()[:14].lower().startswith((b"<!doctype html", b"<html", b"<head")):
        return ""
    title = re.search(rb"<title[^>]*>([^<]{1,80})", head, re.IGNORECASE)
    return " ".join(title[1].decode("utf-8", "replace").split()) if title else "without a title"


def _fetch(url: str, part: Path, progress: Callable[[int, int], None] | None, attempts: int, timeout: float) -> None:
    for attempt in range(attempts):
        try:
            _continue(url, part, progress, timeout)
            return
        except urllib.error.HTTPError as error:
            if error.code == 416:  # nothing lies beyond what we have: complete, or of another version
                return
            if error.code < 500 and error.code not in (408, 429):
                raise UserError(f"{url} was not downloaded: the server says {error.code} {error.msg}.") from error
            failure: Exception = error
        except (urllib.error.URLError, http.client.HTTPException, ConnectionError, TimeoutError) as error:
            failure = error
        if attempt + 1 < attempts:
            time.sleep(min(0.5 * 2**attempt, 10.0))
    raise UserError(
        f"{url} could not be downloaded in {attempts} attempts ({failure}). Check the network and run the same command "
        f"again: it goes on where it stopped. Or fetch the file by hand and put it at {part.with_suffix('')}."
    ) from failure


def _continue(url: str, part: Path, progress: Callable[[int, int], None] | None, timeout: float) -> None:
    """Append what is missing from ``part``; a server that cannot continue sends the whole file again."""
    have = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})  # noqa: S310 - scheme checked
    with urllib.request.urlopen(request, timeout=timeout) as answer:  # noqa: S310
        continues = answer.status == 206 and answer.headers.get("Content-Range", "").startswith(f"bytes {have}-")
        have = have if continues else 0
        length = answer.headers.get("Content-Length")
        total = have + int(length) if length is not None else 0
        require_room(part.parent, max(0, total - have), f"the download of {part.stem}")
        with naming_failures(part), open(part, "ab" if continues else "wb") as file:
            while block := answer.read(_BLOCK):
                file.write(block)
                have += len(block)
                if progress is not None:
                    progress(have, total)
            file.flush()
            os.fsync(file.fileno())
    if have < total:
        raise ConnectionError(f"the connection ended after {have} of {total} bytes")
