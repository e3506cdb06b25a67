"""Files here or behind an address, read the same way: whole, by ranges, or only asked about."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any, BinaryIO, Literal, cast

from vesalius.errors import UserError
from vesalius.files.addresses import is_remote, is_web, place_of
from vesalius.files.objects import ABSENT, State, state_from
from vesalius.files.patience import FIRST_CONTACT, Unreachable, patiently
from vesalius.files.steady import Ranges


def kind_of(place: Path) -> Literal["file", "folder"] | None:
    """What lies at ``place``, None for nothing; one attempt of ``FIRST_CONTACT`` seconds at an address.

    Raises UserError in one paragraph where it cannot be told: no credentials, no answer.
    """
    if not is_remote(place):
        return "folder" if place.is_dir() else "file" if place.is_file() else None
    remote: Any = place
    try:
        if is_web(place) and not place.suffix:
            return "folder" if patiently(lambda: remote.fs.ls(f"{str(remote.path).rstrip('/')}/", detail=False), FIRST_CONTACT) else None
        return "folder" if patiently(lambda: remote.fs.info(remote.path), FIRST_CONTACT)["type"] == "directory" else "file"
    except FileNotFoundError:
        return None
    except OSError as error:
        if is_web(place) and not place.suffix and isinstance(error, PermissionError):
            return None  # many servers forbid to list what they give
        raise explained(str(place), error) from None


def explained(place: str, error: OSError) -> UserError:
    """One paragraph for a place that could not be read; ``error`` is what ``patiently`` raised."""
    if isinstance(error, PermissionError):
        return UserError(
            f"{place} may not be read: the server refuses it, or no credentials were found. They are taken from the environment and the"
            " driver's own configuration; docs/remote-data.md says which variables each kind of storage reads."
        )
    if isinstance(error, FileNotFoundError):
        return UserError(f"There is nothing at {place}. Check the address: bucket or container first, then the folder.")
    words = str(error) if isinstance(error, Unreachable) else f"It could not be read ({type(error).__name__})."
    return UserError(f"{place}: {words} Check the address, the network and the endpoint in the environment, and run the same command again.")


def contents(path: str | Path) -> bytes:
    """The bytes of a file here or behind an address. Raises OSError, of an address with patience."""
    place: Any = place_of(path)
    return bytes(patiently(lambda: place.fs.cat_file(place.path))) if is_remote(place) else cast(bytes, place.read_bytes())


def state_of(path: str | Path) -> State:
    """Size and mark of a file here or behind an address, ABSENT where there is none."""
    place: Any = place_of(path)
    try:
        if is_remote(place):
            return state_from(patiently(lambda: place.fs.info(place.path)))
        found = place.stat()
    except FileNotFoundError:
        return ABSENT
    return found.st_size, found.st_mtime_ns


def opened(path: Path, at_once: int = 1 << 22) -> BinaryIO:
    """A file to read and seek in, here or behind an address, where a broken connection is mended without being seen.

    ``at_once``: the least that is asked for behind an address, in bytes.
    """
    if not is_remote(path):
        return path.open("rb")
    place: Any = path
    return cast(BinaryIO, io.BufferedReader(Ranges(place.fs, place.path), at_once))
