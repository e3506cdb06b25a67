"""Writing so that a reader, or whoever comes after a crash, sees the old file or the new one and nothing between."""

from __future__ import annotations

import ctypes
import itertools
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from vesalius.files.room import naming_failures

_MARK = ".tmp-"
_count = itertools.count()


def atomic_write(path: str | Path, data: bytes | str, *, mode: int = 0o666) -> Path:
    """Write ``data`` (text as UTF-8) to ``path`` by a synced temporary sibling and a rename; returns the path.

    ``mode``: permissions before the umask. Raises NoRoom when the disk is full; the earlier file then still stands.
    """
    path = Path(path)
    content = data.encode() if isinstance(data, str) else data
    temporary = sibling(path)
    with naming_failures(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        sync_folder(path.parent)
    return path


@contextmanager
def atomic_folder(path: str | Path) -> Iterator[Path]:
    """A temporary sibling folder to fill; it becomes ``path`` when the block ends well, and vanishes when it does not.

    An existing ``path`` is exchanged for the new one and then deleted. Where the system cannot exchange two folders in
    one step, ``recover(path)`` puts the old one back after a crash between the two steps.
    """
    path = Path(path)
    temporary = sibling(path)
    with naming_failures(path):
        temporary.mkdir(parents=True)
        try:
            yield temporary
            for folder, _, names in os.walk(temporary):
                for name in names:
                    with open(os.path.join(folder, name), "rb") as file:
                        os.fsync(file.fileno())
                sync_folder(folder)
            publish(temporary, path)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def publish(temporary: Path, path: Path) -> None:
    """Rename ``temporary`` to ``path`` on the same file system; what stood at ``path`` is deleted afterwards."""
    if not path.exists():
        os.rename(temporary, path)
    elif not _exchange(temporary, path):
        previous = _previous(path)
        shutil.rmtree(previous, ignore_errors=True)
        os.rename(path, previous)
        os.rename(temporary, path)
        shutil.rmtree(previous, ignore_errors=True)
    sync_folder(path.parent)


def recover(path: str | Path) -> bool:
    """Put back the folder that a crash caught between two renames; True when there was one to put back."""
    path = Path(path)
    previous = _previous(path)
    if path.exists() or not previous.exists():
        return False
    os.rename(previous, path)
    return True


def sweep_leftovers(folder: str | Path) -> None:
    """Delete the temporaries of killed writers in ``folder``. Only for whoever is the folder's one writer."""
    for leftover in Path(folder).glob(f".*{_MARK}*"):
        if leftover.is_dir() and not leftover.is_symlink():
            shutil.rmtree(leftover, ignore_errors=True)
        else:
            leftover.unlink(missing_ok=True)


def sync_folder(folder: str | Path) -> None:
    """Make the names in ``folder`` durable, where the system can."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # some network file systems refuse to sync a folder
            os.fsync(handle)
    finally:
        os.close(handle)


def sibling(path: Path) -> Path:
    """A name beside ``path`` that nobody else uses, and that ``sweep_leftovers`` knows for a leftover."""
    return path.with_name(f".{path.name}{_MARK}{os.getpid()}-{next(_count)}-{os.urandom(4).hex()}")


def _previous(path: Path) -> Path:
    return path.with_name(f".{path.name}.previous")


def _exchange(a: Path, b: Path) -> bool:
    """Linux's renameat2(RENAME_EXCHANGE): both names swap in one step. False where the system cannot."""
    if not sys.platform.startswith("linux"):
        return False
    rename = getattr(ctypes.CDLL(None), "renameat2", None)
    at_cwd, exchange = -100, 2
    return rename is not None and rename(at_cwd, os.fsencode(a), at_cwd, os.fsencode(b), exchange) == 0
