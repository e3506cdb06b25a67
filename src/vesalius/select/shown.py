"""Images as files that other tools can show: the user's own where a browser shows them, else a PNG made of their pixels."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vesalius.data import readers
from vesalius.data.readers.depth import to_storable
from vesalius.data.table import SampleTable
from vesalius.errors import UserError
from vesalius.evaluate.sprites import as_picture
from vesalius.files import is_remote
from vesalius.select.pool import names_of
from vesalius.select.selected import Selected

BROWSERS = frozenset({"png", "jpg", "jpeg", "gif", "webp", "bmp"})
"""Suffixes of files that every browser shows."""
_NAMED = 5


@dataclass(frozen=True)
class Shown:
    """``rows`` (n,): the candidates that can be shown; ``files`` of each, relative to ``root``, with forward slashes.

    ``root``: the data's own, absolute, where a browser shows every file as it is; else None, and the files were made in the folder that was
    named. ``sizes`` of each, width and height in px; ``gone``: names of those that could not be read, with the reason.
    """

    rows: NDArray[np.int64]
    files: list[str]
    sizes: list[tuple[int, int]]
    root: Path | None
    gone: list[str]

    @property
    def notes(self) -> tuple[str, ...]:
        """A sentence that names what is not there."""
        return (left_out(self.gone),) if self.gone else ()

    def base(self, out: Path) -> Path:
        """What ``files`` are relative to, when the folder has become ``out``."""
        return Path(os.path.abspath(out)) if self.root is None else self.root


def left_out(gone: Sequence[str]) -> str:
    """A sentence that names the first of what could not be handed over."""
    return f"{len(gone):,} left out, which could not be read: {'; '.join(gone[:_NAMED])}{' ...' if len(gone) > _NAMED else ''}"


def shown(selected: Selected, rows: NDArray[np.int64], folder: Path, *, flat: bool = False) -> Shown:
    """Files of candidates ``rows`` that a browser can show: the user's own, or, where one of them is no such file, all in ``folder``/images.

    ``flat``: always there, and none in a further folder, for tools that know files by their last name only: ``a/b.png`` is ``a__b.png``.
    Raises UserError for volumes, and where none of the images can be read.
    """
    images = _images(selected, rows)
    names = [_place(one, flat) for one in images if one is not None]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise UserError(f"Two of the images would both be written as {twice}. Rename one of them, or write the names as csv.")
    own = not flat and all(one.plain for one in images if one is not None)
    found = _tried(images, _look if own else partial(_put, folder=folder, flat=flat))
    good = [number for number, one in enumerate(found) if not isinstance(one, str)]
    gone = [f"{selected.candidates.names[row]}: {one}" for row, one in zip(rows, found, strict=True) if isinstance(one, str)]
    if gone and not good:
        raise UserError(f"None of the {len(rows):,} images can be read any more. The first, {gone[0]} Look whether the data still lie where they were.")
    assert selected.table is not None
    root = Path(os.path.abspath(selected.table.root)) if own else None
    return Shown(rows[good], [found[number][0] for number in good], [found[number][1] for number in good], root, gone)


def thumbnails(selected: Selected, rows: NDArray[np.int64], side: int) -> list[bytes | None]:
    """PNG bytes of candidates ``rows``, the longer side of ``side`` pixels at most; None for what cannot be read. Raises UserError for volumes."""
    return [None if isinstance(one, str) else one for one in _tried(_images(selected, rows), partial(_thumbnail, side=side))]


@dataclass(frozen=True)
class _Image:
    """One row of the table."""

    table: SampleTable
    name: str
    uri: str
    frame: int
    box: Sequence[float] | None

    @property
    def plain(self) -> bool:
        """Whether the file can be shown as it is, and lies below the root."""
        suffix, table = self.uri.rpartition(".")[2].lower(), self.table
        whole = table.container is None and not self.frame and self.box is None and suffix in BROWSERS
        return whole and not is_remote(table.root) and not os.path.isabs(self.name)

    def picture(self, enough: int | None = None) -> Any:
        """Its pixels as a picture in 8 bits. Raises Unreadable."""
        if self.table.container is not None:
            pixels = np.ascontiguousarray(self.table.container(self.uri)[self.frame])
            decoded = to_storable(pixels if pixels.ndim == 3 else pixels[..., None])
        else:
            decoded = readers.read(self.table.path(self.uri), self.frame, enough=None if self.box is not None else enough)
        found = as_picture(decoded.pixels)
        if self.box is not None:
            x, y, width, height = self.box
            found = found.crop((round(x), round(y), round(x + width), round(y + height)))
        return found


def _images(selected: Selected, rows: NDArray[np.int64]) -> list[_Image | None]:
    """The rows of the table behind candidates ``rows``; None for what is not among the data any more."""
    table = selected.table
    if table is None:
        raise UserError("Only the names of these images are known, so that they cannot be shown. Name the data.")
    if table.dims == 3:
        raise UserError(f"{table.source} holds volumes, which no browser shows. Write them as copies or links, or their names as filenames, csv or parquet.")
    place = {str(name): row for row, name in enumerate(names_of(table))}
    uris, frames, boxes = table.frame["uri"].tolist(), table.frame["frame"].tolist(), table.frame["box"].tolist()

    def one(name: str) -> _Image | None:
        at = place.get(name)
        return None if at is None else _Image(table, name, str(uris[at]), int(frames[at]), boxes[at])

    return [one(str(name)) for name in selected.candidates.names[rows]]


def _tried(images: Sequence[_Image | None], work: Callable[[_Image], Any]) -> list[Any]:
    """What ``work`` makes of each image, several at a time; a sentence for what cannot be read."""

    def one(image: _Image | None) -> Any:
        if image is None:
            return "It is not among the data any more."
        try:
            return work(image)
        except readers.Unreadable as refused:
            return str(refused)
        except FileNotFoundError:
            return "The file is not there."

    with ThreadPoolExecutor(min(8, 2 * (os.cpu_count() or 1))) as pool:
        return list(pool.map(one, images))


def _look(image: _Image) -> tuple[str, tuple[int, int]] | str:
    """The user's own file."""
    from PIL import Image

    try:
        with Image.open(image.table.path(image.uri)) as opened:
            turned = opened.getexif().get(274, 1) in (5, 6, 7, 8)  # browsers turn by this tag
            width, height = opened.size
            return image.name, (height, width) if turned else (width, height)
    except FileNotFoundError:
        raise
    except OSError:
        return "It is damaged."


def _put(image: _Image, folder: Path, flat: bool) -> tuple[str, tuple[int, int]] | str:
    """A picture in ``folder``/images: a copy where a browser shows the file, else made of its pixels."""
    name = _place(image, flat)
    target = folder.joinpath(*PurePosixPath(name).parts)
    target.parent.mkdir(parents=True, exist_ok=True)
    if image.plain:
        found = _look(image)
        if isinstance(found, str):
            return found
        shutil.copyfile(image.table.path(image.uri), target)
        return name, found[1]
    made = image.picture()
    made.save(target, "png")
    return name, made.size


def _place(image: _Image, flat: bool) -> str:
    below = image.name if image.plain else png_name(image.name)
    return f"images/{below.replace('/', '__') if flat else below}"


def png_name(name: str) -> str:
    """``a/b.dcm#3`` to ``a/b.dcm-3.png``: what a picture made of that row is called, below any folder."""
    parts = [part for part in PurePosixPath(name.replace("#", "-")).parts if part not in ("/", "..")]
    return f"{PurePosixPath(*parts)}.png"


def _thumbnail(image: _Image, side: int) -> bytes:
    from io import BytesIO

    made = image.picture(side)
    made.thumbnail((side, side))
    buffer = BytesIO()
    made.save(buffer, "png")
    return buffer.getvalue()
