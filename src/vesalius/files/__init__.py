"""Files that are whole or absent: atomic writing, room on disk, locks, downloads, archives."""

from __future__ import annotations

from vesalius.files.archives import extract
from vesalius.files.downloads import checksum, download
from vesalius.files.locks import Lock, LockLost
from vesalius.files.places import cache_folder
from vesalius.files.room import free_bytes, in_words, naming_failures, require_room
from vesalius.files.writing import atomic_folder, atomic_write, recover, sibling, sweep_leftovers, sync_folder

__all__ = [
    "Lock",
    "LockLost",
    "atomic_folder",
    "atomic_write",
    "cache_folder",
    "checksum",
    "download",
    "extract",
    "free_bytes",
    "in_words",
    "naming_failures",
    "recover",
    "require_room",
    "sibling",
    "sweep_leftovers",
    "sync_folder",
]
