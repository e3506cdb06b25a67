"""Is there room on the disk, and a clear word when there is not."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vesalius.errors import NoRoom, UserError

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_WRONG_PLACE = {errno.EACCES, errno.EPERM, errno.EROFS, errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG}


def free_bytes(place: str | Path) -> int:
    """Bytes free on the file system of ``place``, which need not exist yet."""
    folder = Path(place).absolute()
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free


def require_room(place: str | Path, need: int, what: str) -> None:
    """Raise NoRoom, with both sizes, when ``need`` bytes for ``what`` do not fit on the file system of ``place``."""
    free = free_bytes(place)
    if need > free:
        raise NoRoom(
            f"{what.capitalize()} needs {in_words(need)}, but only {in_words(free)} are free where {place} lies. "
            "Free some space, or name another disk (VESALIUS_CACHE for stored pixels, --out for runs)."
        )


@contextmanager
def naming_failures(place: str | Path) -> Iterator[None]:
    """Turn the operating system's refusals while writing to ``place`` into the program's own errors.

    A full disk or quota and a failing device become NoRoom; a forbidden, read-only or impossible place becomes UserError.
    """
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise NoRoom(
                f"The disk is full: {place} could not be written ({in_words(free_bytes(place))} are free). What was "
                "there before is untouched. Free some space and run the same command again."
            ) from error
        if error.errno in _WRONG_PLACE:
            raise UserError(
                f"{place} cannot be written: {error.strerror}. Name another place (--out, VESALIUS_CACHE)."
            ) from error
        if error.errno == errno.EIO:
            raise NoRoom(f"Writing {place} failed: {error.strerror}. Check the disk, then run again.") from error
        raise


def in_words(count: int | float) -> str:
    """``1536`` to ``1.5 kB``, in powers of 1024."""
    size = float(count)
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} TB"
