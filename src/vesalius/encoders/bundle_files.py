"""The files of a TensorFlow checkpoint: found beside each other, in a folder, or in a zip archive."""

from __future__ import annotations

import re
import zipfile
from io import BufferedIOBase
from pathlib import Path, PurePosixPath
from typing import cast

from vesalius.data.unpickle import Refused

_PART = re.compile(r"\.(index|meta|data-\d{5}-of-\d{5})$")


class Shard:
    """One file of values, of which parts are read in the order they lie in."""

    def __init__(self, file: BufferedIOBase, length: int) -> None:
        self.file, self.length = file, length

    def read(self, offset: int, size: int, name: str) -> bytes:
        """``size`` bytes from ``offset``. Raises Refused, naming whose they are, where the file has fewer."""
        if offset + size > self.length:
            raise Refused(
                f"is cut short: the {size} bytes of {name} at {offset} are beyond the {self.length} bytes of its data file"
            )
        self.file.seek(offset)
        raw = self.file.read(size)
        if len(raw) < size:
            raise Refused(f"is cut short within {name}")
        return raw

    def close(self) -> None:
        """Close the file."""
        self.file.close()


class BundleFiles:
    """Index and shards of one checkpoint: files named ``prefix``, in ``archive`` where there is one."""

    def __init__(self, prefix: str, archive: zipfile.ZipFile | None = None) -> None:
        self.prefix, self.archive = prefix, archive

    def index(self, most: int) -> bytes:
        """The whole index, of at most ``most`` bytes. Raises Refused for a larger one."""
        shard = self._open(".index")
        try:
            if shard.length > most:
                raise Refused(f"has an index of {shard.length} bytes, far more than a network's")
            return shard.read(0, shard.length, "the index")
        finally:
            shard.close()

    def shard(self, number: int, of: int) -> Shard:
        """The data file ``number`` of ``of``. Raises Refused where it is not there."""
        return self._open(f".data-{number:05}-of-{of:05}")

    def _open(self, suffix: str) -> Shard:
        name = self.prefix + suffix
        try:
            if self.archive is not None:
                info = self.archive.getinfo(name)
                return Shard(cast(BufferedIOBase, self.archive.open(info)), info.file_size)
            path = Path(name)
            return Shard(path.open("rb"), path.stat().st_size)
        except (KeyError, FileNotFoundError, IsADirectoryError):
            raise Refused(
                f"lacks the file {PurePosixPath(name).name} of the same checkpoint; keep all its files together"
            ) from None


def bundle_files(path: Path) -> BundleFiles | None:
    """The checkpoint at ``path``: its prefix, one of its files, a folder or a zip archive with it; None where there is none.

    A module of TensorFlow Hub that lies beside it (``variables/variables.index``) is not meant. Raises Refused where there are
    several, and for an archive with a name that leads out of it.
    """
    if path.is_dir():
        inside = sorted(path.glob("*.index")) or sorted(path.glob("*/*.index"))
        return _only([str(p.with_name(p.name.removesuffix(".index"))) for p in inside])
    if path.is_file() and zipfile.is_zipfile(path):
        archive = zipfile.ZipFile(path)
        names = archive.namelist()
        found = [n.removesuffix(".index") for n in names if n.endswith(".index") and not _of_a_mac(n)]
        bad = next(
            (n for n in names if n.startswith(("/", "\\")) or ".." in PurePosixPath(n.replace("\\", "/")).parts), None
        )
        if found and bad is not None:
            raise Refused(f"is an archive with a name that leads out of it ({bad})")
        return _only(found, archive)
    prefix = _PART.sub("", str(path))
    return BundleFiles(prefix) if Path(prefix + ".index").is_file() else None


def _of_a_mac(name: str) -> bool:
    return name.startswith("__MACOSX/") or PurePosixPath(name).name.startswith("._")


def _only(prefixes: list[str], archive: zipfile.ZipFile | None = None) -> BundleFiles | None:
    prefixes = [p for p in prefixes if PurePosixPath(p).name != "variables"] or prefixes
    if len(prefixes) > 1:
        names = ", ".join(PurePosixPath(prefix).name for prefix in prefixes[:4])
        raise Refused(f"holds {len(prefixes)} checkpoints ({names}): give the .index file of one")
    return BundleFiles(prefixes[0], archive) if prefixes else None
