"""Unpacking archives that nobody has vouched for."""

from __future__ import annotations

import os
import shutil
import stat
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

from vesalius.errors import UserError
from vesalius.files.room import free_bytes, in_words, naming_failures, require_room
from vesalius.files.writing import publish, sibling

_BLOCK = 1 << 20
_RATIO_COUNTS_FROM = 64 << 20  # a small file of zeros is no attack

Member = tuple[str, bool, Callable[[], IO[bytes]]]  # name, is a folder, how to open it


def extract(archive: str | Path, folder: str | Path, *, max_bytes: int = 1 << 40, max_ratio: float = 250.0, merge: bool = False) -> Path:
    """Unpack a zip or tar (plain, gz, bz2, xz) into ``folder``; returns it.

    Nothing appears in ``folder`` before everything is unpacked; entries of the same name at its top are replaced, or with
    ``merge`` folders of the same name filled.
    Refused with UserError: absolute names and ``..``, links, devices and pipes, encrypted or damaged archives, more
    than ``max_bytes`` or ``max_ratio`` times the archive's size (bytes are counted as they come out, headers are not
    believed). NoRoom when it does not fit on the disk.
    """
    archive, folder = Path(archive), Path(folder)
    if not archive.is_file():
        raise UserError(f"The archive {archive} is not there.")
    temporary = sibling(folder / archive.name)
    limit = min(max_bytes, max(_RATIO_COUNTS_FROM, int(max_ratio * archive.stat().st_size)))
    written = 0
    with naming_failures(folder):
        temporary.mkdir(parents=True)
        try:
            with _members(archive) as members:
                for name, is_folder, opened in members:
                    place = temporary / inside(name, archive)
                    if is_folder:
                        place.mkdir(parents=True, exist_ok=True)
                        continue
                    place.parent.mkdir(parents=True, exist_ok=True)
                    with opened() as source, open(place, "wb") as target:
                        while block := source.read(_BLOCK):
                            written += len(block)
                            if written > limit:
                                raise UserError(
                                    f"The archive {archive.name} unpacks to more than {in_words(limit)}: "
                                    "it looks like a decompression bomb, and nothing of it was kept."
                                )
                            if written % (64 * _BLOCK) < len(block) and free_bytes(folder) < 32 * _BLOCK:
                                require_room(folder, 64 * _BLOCK, f"unpacking {archive.name}")
                            target.write(block)
            for entry in sorted(temporary.iterdir()):
                _move(entry, folder / entry.name, merge)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    return folder


def _move(entry: Path, place: Path, merge: bool) -> None:
    if merge and entry.is_dir() and place.is_dir():
        for inner in sorted(entry.iterdir()):
            _move(inner, place / inner.name, merge)
    elif entry.is_dir() and place.is_dir():
        publish(entry, place)
    elif place.is_dir():
        raise UserError(f"{place} is a folder, but the archive has a file of that name. Move it away first.")
    else:
        os.replace(entry, place)


@contextmanager
def _members(archive: Path) -> Iterator[Iterator[Member]]:
    """The archive's files and folders in order; whatever is neither is refused."""
    try:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as zipped:
                yield _zip_members(zipped, archive)
        elif tarfile.is_tarfile(archive):
            with tarfile.open(archive) as tarred:
                yield _tar_members(tarred, archive)
        else:
            raise UserError(f"{archive.name} is neither a zip nor a tar archive, or is damaged. Get it again.")
    except (zipfile.BadZipFile, tarfile.TarError, EOFError, RuntimeError, NotImplementedError) as error:
        raise UserError(f"The archive {archive.name} is damaged or encrypted ({error}). Get it again.") from error
    except OSError as error:
        if error.errno is None:  # what gzip and bz2 say of damaged data
            raise UserError(f"The archive {archive.name} is damaged ({error}). Get it again.") from error
        raise


def _zip_members(zipped: zipfile.ZipFile, archive: Path) -> Iterator[Member]:
    for info in regular(zipped, archive):
        yield info.filename, info.is_dir(), lambda info=info: zipped.open(info)  # type: ignore[misc]


def regular(zipped: zipfile.ZipFile, archive: Path) -> Iterator[zipfile.ZipInfo]:
    """The entries of a zip. Raises UserError for one that is neither a file nor a folder."""
    for info in zipped.infolist():
        if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise _refused(archive, info.filename, "is a link or a device")
        yield info


def _tar_members(tarred: tarfile.TarFile, archive: Path) -> Iterator[Member]:
    for info in tarred:
        if not (info.isreg() or info.isdir()):
            raise _refused(archive, info.name, "is a link, a device or a pipe")
        yield info.name, info.isdir(), lambda info=info: _opened(tarred, info)  # type: ignore[misc]
    _read_to_the_end(tarred)


def _read_to_the_end(tarred: tarfile.TarFile) -> None:
    """Behind the last entry stands the checksum of a compressed archive, which is tested by reading over it."""
    stream = tarred.fileobj
    assert stream is not None
    for _ in range(64):
        if not stream.read(_BLOCK):
            return
    raise tarfile.TarError("much follows its end")


def _opened(tarred: tarfile.TarFile, info: tarfile.TarInfo) -> IO[bytes]:
    file = tarred.extractfile(info)
    if file is None:
        raise tarfile.TarError(f"{info.name} holds no data")
    return file


def inside(name: str, archive: Path) -> PurePosixPath:
    """The name of an entry as a relative path. Raises UserError for one that would be written outside the folder."""
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or ":" in (path.parts[0] if path.parts else "") or "\0" in name:
        raise _refused(archive, name, "would be written outside the folder")
    return path


def _refused(archive: Path, name: str, reason: str) -> UserError:
    return UserError(f"The archive {archive.name} was refused and nothing of it was kept: its entry {name!r} {reason}.")
