"""Which files of a folder belong to which DICOM series, by their headers."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path

from vesalius.data.listing import list_images
from vesalius.data.outcomes import Kind, Unreadable
from vesalius.data.readers.dicom_header import Header, read_header
from vesalius.data.readers.dicom_words import NO_PICTURES, modality
from vesalius.data.subjects import hashed
from vesalius.files import AT_ONCE, Unreachable, is_remote, opened, place_of, state_of

_HEADER_BYTES = 1 << 16


def files_of(folder: Path, series: str | None) -> list[Path]:
    """The files of the series of ``folder`` whose hashed SeriesInstanceUID is ``series``; of its only one where None.

    Raises Unreadable where there is no such series, or more than one to choose from.
    """
    found = _grouped(str(folder), 0 if is_remote(folder) else state_of(folder)[1])
    if series is None and len(found) > 1:
        raise Unreadable(
            Kind.UNSUPPORTED,
            f"The folder holds {len(found)} DICOM series. Name one of them, or list the folder above as a data set.",
        )
    uris = found.get(series or next(iter(found), ""))
    if not uris:
        raise Unreadable(Kind.MISSING, f"The folder holds no {'such ' if series else ''}DICOM series.")
    return [folder / uri for uri in uris]


@lru_cache(maxsize=16)
def _grouped(folder: str, changed: object) -> dict[str, tuple[str, ...]]:
    groups: dict[str, list[str]] = {}
    uris = list_images(place_of(folder), every=True).uris
    pictures = [(uri, header) for uri, header in headers_of(place_of(folder), uris) if is_picture(header)]
    names = hashed([header.words.get("SeriesInstanceUID") or "none" for _, header in pictures])
    for (uri, _), name in zip(pictures, names, strict=True):
        groups.setdefault(str(name), []).append(uri)
    return {name: tuple(uris) for name, uris in groups.items()}


def headers_of(root: Path, uris: list[str]) -> Iterator[tuple[str, Header]]:
    """Each uri under ``root`` with its header, of those that are DICOM with a header that can be read."""
    with ThreadPoolExecutor(AT_ONCE if is_remote(root) else 4, thread_name_prefix="headers") as pool:
        for uri, header in zip(uris, pool.map(lambda uri: header_at(root / uri), uris, chunksize=64), strict=True):
            if header is not None:
                yield uri, header


def header_at(path: Path) -> Header | None:
    """A file's header; None where it is no DICOM, or damaged."""
    try:
        with opened(path, _HEADER_BYTES) as stream:
            return read_header(stream)
    except Unreachable:
        raise
    except (Unreadable, OSError):
        return None


def is_picture(header: Header) -> bool:
    """Whether a header is that of a picture of a body, rather than a report, a plan or a directory."""
    said = bool(header.number("Rows") and header.number("Columns"))
    return said and not header.directory and modality(header.words.get("Modality")) not in NO_PICTURES
