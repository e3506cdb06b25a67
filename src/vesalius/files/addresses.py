"""Where data may lie: a path on this machine, or an address (``s3://``, ``az://``, ``gs://``, ``https://``) that fsspec reads.

Credentials come from where the drivers look for them: environment variables, their configuration files, the machine's
own identity. An address that holds one is refused, because addresses are written into runs.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any, cast
from urllib.parse import unquote, urlsplit

from vesalius.errors import UserError

_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://")
_PASSWORD = re.compile(r"[^/@]*:(?!\d+/)[^@]*@")  # a colon that begins no port; keys of S3 hold slashes
_OF_AZURE = ("az", "abfs", "abfss", "adl")  # container@account is an address there, not a name with its password


def is_remote(place: object) -> bool:
    """Whether ``place`` (text or path) is an address, and not a path on this machine or a ``file://`` of it."""
    match = _ADDRESS.match(str(place))
    return match is not None and match[1].lower() != "file"


def is_web(place: object) -> bool:
    """Whether ``place`` is behind a web server, which lists nothing."""
    return str(place).lower().startswith(("http://", "https://"))


def refuse_secrets(address: object) -> None:
    """Raise UserError, without repeating it, when an address holds a password or a signature."""
    words = str(address)
    match = _ADDRESS.search(words)
    if match is None or not is_remote(words[match.start() :]):
        return
    rest = words[match.end() :]
    named = "@" in rest.partition("/")[0] and match[1].lower() not in _OF_AZURE
    if named or _PASSWORD.match(rest) or re.search(r"\?.*=", rest):
        raise UserError(
            "The address of the data holds a password, a key or a signature. A run writes down the addresses it was given, so none"
            " of them may stand there: give the address without it, and the credentials through the environment, as"
            " docs/remote-data.md shows for each kind of storage."
        )


def place_of(place: str | os.PathLike[str]) -> Path:
    """``place`` with pathlib's methods: a Path, or for an address a ``upath.UPath``, which has the same ones.

    Nothing is asked of a server. Raises UserError when the address holds a secret, when its scheme is unknown, or when
    the package that reads it is not installed.
    """
    words = str(place)
    if words[:7].lower() == "file://":
        return Path(unquote(urlsplit(words).path))
    if not is_remote(words):
        return Path(words).expanduser() if isinstance(place, str) else Path(place)
    if not isinstance(place, str):
        return cast(Path, place)
    refuse_secrets(words)
    scheme = words.partition("://")[0].lower()
    try:
        from fsspec import available_protocols
        from upath import UPath

        from vesalius.files.steady import steady
    except ImportError:
        raise _needs_packages(scheme) from None
    if scheme not in available_protocols():
        raise UserError(f"Nothing here reads addresses that begin with {scheme}://. Known are s3://, az://, gs://, https:// and http://.")
    driver: dict[str, Any] = {"use_listings_cache": False}  # what was listed a moment ago may have changed since
    if scheme in ("s3", "s3a"):
        driver["max_concurrency"] = 1  # one request a file; it would ask for the size first, to cut the file into parts
    try:
        found = UPath(f"{scheme}://{words.partition('://')[2].rstrip('/')}", **driver)
        steady(found.fs, is_web(words))  # makes the driver, which says here what it lacks
    except ImportError:
        raise _needs_packages(scheme) from None
    except Exception as error:  # a driver without credentials raises whatever it likes, and its words may hold some
        raise UserError(
            f"{words} cannot be opened ({type(error).__name__}): the {scheme}:// driver finds no usable credentials or settings. Give them"
            " through the environment, as docs/remote-data.md shows for each kind of storage."
        ) from None
    return cast(Path, found)


def absolute(place: str | os.PathLike[str]) -> str:
    """One spelling for one place: an address without its last slash, or an absolute path."""
    return str(place).rstrip("/") if is_remote(place) else os.path.abspath(place_of(place))


def _needs_packages(scheme: str) -> UserError:
    return UserError(f"Data at {scheme}:// are read by packages that are not installed: pip install 'vesalius[remote]'.")
