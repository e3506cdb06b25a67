"""The few elements of a DICOM header that a table needs, a hundred thousand files in a minute.

A walk over the elements of the common encodings (little endian, explicit or implicit), some ten times faster than a
full reading; whatever is unusual (big endian, deflated, no preamble, letters beyond ASCII) is left to pydicom, which also
judges the walk in the tests.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Mapping, Sequence
from typing import IO, Any, NamedTuple

from vesalius.data.outcomes import Unreadable
from vesalius.data.readers.content import Content, content_of

_WANTED = {
    0x00080016: "SOPClassUID", 0x00080018: "SOPInstanceUID", 0x00080060: "Modality", 0x00100020: "PatientID",
    0x00181164: "ImagerPixelSpacing", 0x00182010: "NominalScannedPixelSpacing", 0x00185101: "ViewPosition",
    0x0020000D: "StudyInstanceUID", 0x0020000E: "SeriesInstanceUID", 0x00200060: "Laterality",
    0x00200062: "ImageLaterality", 0x00280002: "SamplesPerPixel", 0x00280008: "NumberOfFrames", 0x00280010: "Rows", 0x00280011: "Columns",
    0x00280030: "PixelSpacing", 0x00280101: "BitsStored", 0x00280301: "BurnedInAnnotation",
}  # fmt: skip
_LAST = max(_WANTED)
_NUMBERS = ("SamplesPerPixel", "Rows", "Columns", "BitsStored")
_LONG = frozenset((b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"))
_SHORT = frozenset((
    b"AE", b"AS", b"AT", b"CS", b"DA", b"DS", b"DT", b"FD", b"FL", b"IS", b"LO",
    b"LT", b"PN", b"SH", b"SL", b"SS", b"ST", b"TM", b"UI", b"UL", b"US",
))  # fmt: skip
_IMPLICIT = "1.2.840.10008.1.2"
_OTHERWISE_ENCODED = ("1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.4.95")
_ELEMENT, _LENGTH, _TAG = struct.Struct("<HH2sH"), struct.Struct("<I"), struct.Struct("<HH")
_DICOMDIR = "1.2.840.10008.1.3.10"
_UNDEFINED = 0xFFFFFFFF
_START = 1 << 13
_MOST = 1 << 24


class Header(NamedTuple):
    """``words`` by keyword; what the user asked for by name in ``chosen``; ``directory``: it is a DICOMDIR."""

    words: dict[str, str]
    chosen: dict[str, str]
    directory: bool = False

    @property
    def spacing(self) -> tuple[float, float] | None:
        """Millimetres between rows and between columns: at the patient where known, else at the detector."""
        for name in ("PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing"):
            try:
                rows, columns = (float(word) for word in self.words.get(name, "").split("\\"))
            except ValueError:
                continue
            if rows > 0 and columns > 0:
                return rows, columns
        return None

    def number(self, name: str) -> int:
        """A whole number, 0 where there is none."""
        try:
            return int(float(self.words.get(name) or 0))
        except ValueError:
            return 0


class _Unusual(Exception):
    """Something that the walk leaves to pydicom."""


def read_header(stream: IO[bytes], columns: Sequence[str] = ()) -> Header | None:
    """The header of an open file, with the elements ``columns`` named by their DICOM keywords; None where it is no DICOM.

    Raises Unreadable where it is DICOM whose header is damaged.
    """
    start = stream.read(_START)
    try:
        if content_of(start) is not Content.DICOM:
            return None
    except Unreadable:
        return None
    found: Header | None = None
    if start[128:132] == b"DICM":
        try:
            found = _Walk(stream, start).header()
        except (_Unusual, struct.error, UnicodeDecodeError, IndexError):
            found = None
    enhanced = found is not None and found.number("NumberOfFrames") > 1 and found.spacing is None
    if found is None or columns or enhanced:
        stream.seek(0)
        found = by_pydicom(stream, columns)
    return found


def by_pydicom(stream: IO[bytes], columns: Sequence[str] = ()) -> Header:
    """The same by pydicom, for any encoding, with the columns the user named and the spacing of enhanced images."""
    import pydicom

    from vesalius.data.readers.dicom import explained

    wanted = [*_WANTED.values(), *columns, "SharedFunctionalGroupsSequence"]
    try:
        dataset = pydicom.dcmread(stream, stop_before_pixels=True, specific_tags=wanted, force=True)
        words = {name: _said(dataset.get(name)) for name in _WANTED.values() if name in dataset}
        for group in dataset.get("SharedFunctionalGroupsSequence") or []:
            for measures in group.get("PixelMeasuresSequence") or []:
                words.setdefault("PixelSpacing", _said(measures.get("PixelSpacing")))
        kind = str(dataset.get("file_meta", {}).get("MediaStorageSOPClassUID", ""))
        return Header(words, {name: _said(dataset.get(name)) for name in columns}, kind == _DICOMDIR)
    except Exception as error:  # a parser fed with garbage raises nearly anything
        raise explained(error) from error


def _said(value: Any) -> str:
    if value is None:
        return ""
    several = isinstance(value, (list, tuple)) or type(value).__name__ == "MultiValue"
    return ("\\".join(map(str, value)) if several else str(value)).strip(" \0")


class _Walk:
    """Over the elements of one file, reading on as far as they reach."""

    def __init__(self, stream: IO[bytes], start: bytes) -> None:
        self.stream, self.data, self.at = stream, start, 132

    def header(self) -> Header:
        meta = self._elements({0x00020002: "kind", 0x00020010: "syntax"}, 0x0002FFFF, explicit=True)
        syntax = meta.get("syntax", "")
        if not syntax or syntax in _OTHERWISE_ENCODED:
            raise _Unusual
        words = self._elements(_WANTED, _LAST, explicit=syntax != _IMPLICIT)
        return Header(words, {}, meta.get("kind") == _DICOMDIR)

    def _elements(self, wanted: Mapping[int, str], last: int, explicit: bool) -> dict[str, str]:
        """Values of the ``wanted`` up to the tag ``last``, from where the walk is."""
        words: dict[str, str] = {}
        while self._there(8):
            group, element, kind, length = _ELEMENT.unpack_from(self.data, self.at)
            tag = group << 16 | element
            if tag > last:
                break
            if not explicit:
                (length,) = _LENGTH.unpack_from(self.data, self.at + 4)
                self.at += 8
            elif kind in _SHORT:
                self.at += 8
            elif kind in _LONG and self._there(12):
                (length,) = _LENGTH.unpack_from(self.data, self.at + 8)
                self.at += 12
            else:
                raise _Unusual
            if length == _UNDEFINED:
                if kind == b"UN" and explicit:
                    raise _Unusual
                self._past_items(explicit)
                continue
            name = wanted.get(tag)
            if name is not None and self._there(length):
                value = self.data[self.at : self.at + length]
                number = name in _NUMBERS and length == 2
                words[name] = str(int.from_bytes(value, "little")) if number else value.decode("ascii").strip(" \0")
            self.at += length
        return words

    def _past_items(self, explicit: bool) -> None:
        """Go past a sequence of undefined length: its items, up to its end."""
        while True:
            self._there(8)
            group, element = _TAG.unpack_from(self.data, self.at)
            (length,) = _LENGTH.unpack_from(self.data, self.at + 4)
            self.at += 8
            if (group, element) == (0xFFFE, 0xE0DD):
                return
            if length == _UNDEFINED:  # an item that ends with a tag of its own
                self._elements({}, 0xFFFEE00C, explicit)
                self.at += 8
            else:
                self.at += length

    def _there(self, length: int) -> bool:
        """Whether so many bytes follow; they are read from the file where they are not here yet."""
        end = self.at + length
        if end > len(self.data):
            if end > _MOST:
                raise _Unusual
            self.data += self.stream.read(max(end - len(self.data), _START))
        return end <= len(self.data)


def header_of(data: bytes, columns: Sequence[str] = ()) -> Header | None:
    """``read_header`` of a file's bytes."""
    return read_header(io.BytesIO(data), columns)
