"""A zip that came in parts (``train.zip.001`` ...): read as one without being joined on the disk, unpacked file by file."""

from __future__ import annotations

import io
import os
import re
import shutil
import zipfile
import zlib
from bisect import bisect_right
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import accumulate
from pathlib import Path
from typing import Any, NamedTuple

from vesalius.errors import UserError
from vesalius.files.archives import inside, regular
from vesalius.files.room import in_words, naming_failures, require_room

_BLOCK = 1 << 20
_RATIO_COUNTS_FROM = 64 << 20  # a small file of zeros is no attack

Progress = Callable[[int, int], None]


class Joined(io.RawIOBase):
    """``parts`` one after another as one file to be read; nothing is written."""

    def __init__(self, parts: Sequence[Path]) -> None:
        super().__init__()
        self.parts = list(parts)
        self.ends = list(accumulate(part.stat().st_size for part in self.parts))
        self._place, self._at, self._file = 0, -1, None

    _file: Any

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes."""
        return True

    def tell(self) -> int:
        """Bytes from the beginning of the first part."""
        return self._place

    def seek(self, offset: int, whence: int = 0) -> int:
        """As of any file."""
        self._place = max(0, offset + (0, self._place, self.ends[-1])[whence])
        return self._place

    def readinto(self, buffer: Any) -> int:
        """What is left of the part at hand, at most."""
        if self._place >= self.ends[-1]:
            return 0
        number = bisect_right(self.ends, self._place)
        if number != self._at:
            self._shut()
            self._file, self._at = self.parts[number].open("rb", buffering=0), number
        self._file.seek(self._place - (self.ends[number - 1] if number else 0))
        count = int(self._file.readinto(buffer) or 0)
        self._place += count
        return count

    def close(self) -> None:
        """Close the part that is open."""
        self._shut()
        super().close()

    def _shut(self) -> None:
        if self._file is not None:
            self._file.close()
        self._file, self._at = None, -1

    def holding(self, start: int, end: int) -> list[str]:
        """The names of the parts that hold these bytes."""
        first, last = (min(bisect_right(self.ends, place), len(self.parts) - 1) for place in (start, max(start, end - 1)))
        return [part.name for part in self.parts[first : last + 1]]


class Unpacked(NamedTuple):
    """How many files were written, and how many were there already."""

    written: int
    kept: int


def parts_of(first: Path) -> list[Path]:
    """All parts of which ``first`` is ``NAME.001``. Raises UserError where one between them is missing or cut short."""
    stem = first.name[:-4]
    numbers = {int(path.name[-3:]): path for path in first.parent.iterdir() if re.fullmatch(re.escape(stem) + r"\.\d{3}", path.name)}
    parts = [numbers[number] for number in sorted(numbers)]
    if missing := sorted(set(range(1, max(numbers) + 1)) - set(numbers)):
        raise UserError(f"{stem} is not complete: {stem}.{missing[0]:03d} is missing among its {len(parts)} parts. Put it beside the others.")
    sizes = [part.stat().st_size for part in parts]
    if short := [part.name for part, size in zip(parts[:-1], sizes, strict=False) if size != max(sizes)]:
        raise UserError(f"{short[0]} is cut short: of all parts but the last it has another size than the others. Get it again.")
    return parts


def unpack(
    parts: Sequence[Path], folder: Path, *, max_bytes: int = 1 << 40, max_ratio: float = 250.0, progress: Progress | None = None
) -> Unpacked:
    """Unpack the zip that ``parts`` (one, or several in order) are into ``folder``; again, it goes on where it stopped.

    A file appears under its name when it is whole and its checksum is right; one that is there in its full size is kept.
    Refused with UserError before anything is written: entries that would be written outside, links, devices, more than
    ``max_bytes`` or ``max_ratio`` times the parts' size. NoRoom when it does not fit. A damaged entry names the parts it lies in.
    """
    whole = Path(re.sub(r"\.\d{3}$", "", parts[0].name))
    with Joined(parts) as joined, io.BufferedReader(joined, _BLOCK) as stream:
        try:
            zipped = zipfile.ZipFile(stream)
        except (zipfile.BadZipFile, OSError) as error:
            last = f"{parts[-1].name} is not its last part, or is cut short" if len(parts) > 1 else "it is damaged or cut short"
            raise UserError(f"{whole} cannot be opened ({error}): {last}. Get it again.") from None
        with zipped:
            entries = [(info, folder / inside(info.filename, whole)) for info in regular(zipped, whole) if not info.is_dir()]
            limit = min(max_bytes, max(_RATIO_COUNTS_FROM, int(max_ratio * joined.ends[-1])))
            if (total := sum(info.file_size for info, _ in entries)) > limit:
                raise UserError(f"{whole} unpacks to {in_words(total)}: it looks like a decompression bomb, and nothing of it was unpacked.")
            todo = [(info, place) for info, place in entries if not (place.is_file() and place.stat().st_size == info.file_size)]
            require_room(folder, sum(info.file_size for info, _ in todo), f"unpacking {whole}")
            for number, (info, place) in enumerate(todo, 1):
                _one(zipped, info, place, joined, whole)
                if progress is not None and (number % 64 == 0 or number == len(todo)):
                    progress(number, len(todo))
    return Unpacked(len(todo), len(entries) - len(todo))


def _one(zipped: zipfile.ZipFile, info: zipfile.ZipInfo, place: Path, joined: Joined, whole: Path) -> None:
    """One entry to its place, by a draft beside it."""
    draft = place.with_name(f".{place.name}.part")
    with naming_failures(place):
        place.parent.mkdir(parents=True, exist_ok=True)
        try:
            with zipped.open(info) as source, draft.open("wb") as target:
                shutil.copyfileobj(source, target, _BLOCK)
            os.replace(draft, place)
        except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError) as error:
            held = joined.holding(info.header_offset, info.header_offset + info.compress_size)
            raise UserError(
                f"{info.filename} of {whole} is damaged or encrypted ({error}); it lies in {' and '.join(held)}. Get"
                f" {'that part' if len(held) == 1 else 'those parts'} again, and run this again: it goes on where it stopped."
            ) from None
        finally:
            with suppress(FileNotFoundError):
                draft.unlink()
