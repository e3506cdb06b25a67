"""DICOM series of a folder tree, by headers alone."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vesalius.data.listing import Progress
from vesalius.data.readers.dicom_header import Header
from vesalius.data.readers.dicom_words import modality
from vesalius.data.readers.volume_series import headers_of, is_picture
from vesalius.data.subjects import hashed

_LEAST = 2


@dataclass(frozen=True)
class Series:
    """One series: ``uri`` is ``FOLDER#HASH``, or one multi-frame file. ``words`` are identifiers as they stand in its headers."""

    uri: str
    words: dict[str, str]
    modality: str
    slices: int
    rows: int
    columns: int


def series_of(root: Path, uris: Sequence[str], progress: Progress | None = None) -> tuple[list[Series], str]:
    """The series among ``uris`` below ``root``, and what was passed over, in words without names.

    A series in several folders is named by the folder above them. Series of one slice (radiographs, many localizers) are no
    volumes and are passed over.
    """
    groups: dict[str, list[tuple[str, Header]]] = {}
    passed: Counter[str] = Counter()
    seen = 0
    for number, (uri, header) in enumerate(headers_of(root, list(uris)), 1):
        seen = number
        if progress is not None and number % 256 == 0:
            progress(number, len(uris))
        if is_picture(header):
            groups.setdefault(header.words.get("SeriesInstanceUID") or "none", []).append((uri, header))
        else:
            passed["DICOMDIR" if header.directory else "DICOM objects without a picture"] += 1
    passed["files of other kinds"] += len(uris) - seen
    names = dict(zip(groups, hashed(groups), strict=True))
    found = []
    for uid, members in groups.items():
        headers = [header for _, header in members]
        frames = [max(1, header.number("NumberOfFrames")) for header in headers]
        if sum(frames) < _LEAST:
            passed["series of one slice"] += 1
            continue
        first = headers[0]
        one_file = len(members) == 1
        folder = os.path.commonpath([uri.rpartition("/")[0] or "." for uri, _ in members])
        uri = members[0][0] if one_file else f"{'' if folder in ('', '.') else folder}#{names[uid]}"
        said = modality(first.words.get("Modality"))
        found.append(Series(uri, first.words, said, sum(frames), first.number("Rows"), first.number("Columns")))
    said = ", ".join(f"{count:,} {what}" for what, count in sorted(passed.items()) if count)
    return sorted(found, key=lambda one: one.uri), said
