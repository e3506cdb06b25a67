"""Weights behind an address of the web: downloaded once, when named, and kept in the cache."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

from vesalius.errors import UserError
from vesalius.files import cache_folder

_DIGEST = re.compile(r"sha256=([0-9a-fA-F]{64})")


def is_address(reference: str) -> bool:
    """Whether ``reference`` is an address of the web."""
    return reference.startswith(("https://", "http://"))


def fetched(address: str) -> Path:
    """The file of weights at ``address``, which ends in ``#sha256=`` and the file's SHA-256; downloaded where it is not there.

    It lies in ``VESALIUS_CACHE/weights``. Raises UserError for an address without a digest, since weights that may
    change are no beginning that a run can name, for a server that fails and for a file that is another.
    """
    place, _, fragment = address.partition("#")
    stated = _DIGEST.fullmatch(fragment)
    name = Path(unquote(urlsplit(place).path)).name
    if stated is None or not name:
        raise UserError(
            f"{place} is to be downloaded, but nothing says which file it has to be. Write the file's SHA-256 behind the address, "
            f"{place}#sha256=..., as its publisher gives it or sha256sum prints it; or download it and give its path."
        )
    from vesalius.files import download

    folder = cache_folder() / "weights" / stated[1].lower()[:16]
    return download(place, folder / name, sha256=stated[1])
