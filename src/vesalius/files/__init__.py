"""Files that are whole or absent: atomic writing, room on disk, locks, downloads, archives."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from vesalius.files.addresses import absolute, is_remote, is_web, place_of, refuse_secrets
from vesalius.files.locks import Lock, LockLost
from vesalius.files.places import cache_folder
from vesalius.files.room import free_bytes, in_words, naming_failures, require_room
from vesalius.files.writing import atomic_folder, atomic_write, recover, sibling, sweep_leftovers, sync_folder

if TYPE_CHECKING:
    from vesalius.files.anywhere import contents, explained, kind_of, opened, state_of
    from vesalius.files.archives import extract
    from vesalius.files.downloads import checksum, download
    from vesalius.files.nearby import near
    from vesalius.files.objects import ABSENT, AT_ONCE, Objects
    from vesalius.files.patience import Unreachable, patiently

__all__ = [
    "ABSENT",
    "AT_ONCE",
    "Lock",
    "LockLost",
    "Objects",
    "Unreachable",
    "absolute",
    "atomic_folder",
    "atomic_write",
    "cache_folder",
    "checksum",
    "contents",
    "download",
    "explained",
    "extract",
    "free_bytes",
    "in_words",
    "is_remote",
    "is_web",
    "kind_of",
    "naming_failures",
    "near",
    "opened",
    "patiently",
    "place_of",
    "recover",
    "refuse_secrets",
    "require_room",
    "sibling",
    "state_of",
    "sweep_leftovers",
    "sync_folder",
]

_LATER = {
    "extract": "archives", "checksum": "downloads", "download": "downloads",
    **dict.fromkeys(("contents", "explained", "kind_of", "opened", "state_of"), "anywhere"),
    "near": "nearby",
    **dict.fromkeys(("ABSENT", "AT_ONCE", "Objects"), "objects"),
    **dict.fromkeys(("Unreachable", "patiently"), "patience"),
}  # fmt: skip
# Imported when used: the network and archives take longer to load than the rest of a command's start.


def __getattr__(name: str) -> Any:
    if name in _LATER:
        return getattr(import_module(f"vesalius.files.{_LATER[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
