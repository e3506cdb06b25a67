"""What a file is, from its first bytes."""

from __future__ import annotations

from enum import StrEnum

from vesalius.data.outcomes import Kind, Unreadable


class Content(StrEnum):
    """Kinds of file that are read."""

    PNG = "PNG"
    JPEG = "JPEG"
    GIF = "GIF"
    BMP = "BMP"
    WEBP = "WebP"
    TIFF = "TIFF"
    PNM = "PNM"
    JPEG2000 = "JPEG 2000"
    DICOM = "DICOM"


_BEGINNINGS: tuple[tuple[bytes, Content], ...] = (
    (b"\x89PNG\r\n\x1a\n", Content.PNG),
    (b"\xff\xd8\xff", Content.JPEG),
    (b"GIF87a", Content.GIF),
    (b"GIF89a", Content.GIF),
    (b"BM", Content.BMP),
    (b"II*\0", Content.TIFF),
    (b"MM\0*", Content.TIFF),
    (b"II+\0", Content.TIFF),
    (b"MM\0+", Content.TIFF),
    (b"\0\0\0\x0cjP  \r\n\x87\n", Content.JPEG2000),
    (b"\xff\x4f\xff\x51", Content.JPEG2000),
    *((b"P%d" % digit, Content.PNM) for digit in range(1, 7)),
)

_OTHERS: tuple[tuple[bytes, str], ...] = (
    (b"%PDF", "a PDF document"),
    (b"%!PS", "a PostScript file"),
    (b"PK\x03\x04", "a zip archive"),
    (b"\x1f\x8b", "a gzip file"),
    (b"\x89HDF", "an HDF5 file"),
    (b"\x93NUMPY", "a NumPy file"),
    (b"8BPS", "a Photoshop file"),
    (b"<svg", "an SVG drawing"),
    (b"<?xml", "an XML file"),
    (b"<!DOCTYPE", "a web page"),
    (b"<!doctype", "a web page"),
    (b"<html", "a web page"),
    (b"version https://git-lfs", "a Git LFS pointer: run `git lfs pull` to get the image"),
)


def content_of(data: bytes) -> Content:
    """The kind of an image file. Raises Unreadable, saying what it is instead where that is known."""
    if data[128:132] == b"DICM":  # first: what stands before it may be another format's beginning
        return Content.DICOM
    for beginning, content in _BEGINNINGS:
        if data.startswith(beginning):
            return content
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return Content.WEBP
    if _is_bare_dicom(data):
        return Content.DICOM
    for beginning, name in _OTHERS:
        if data.lstrip()[: len(beginning)] == beginning:
            raise Unreadable(Kind.NOT_AN_IMAGE, f"It is not an image but {name}.")
    if data[4:8] == b"ftyp":
        raise Unreadable(Kind.UNSUPPORTED, "It is HEIC, AVIF or video, which is not read; convert it to PNG or JPEG.")
    if not any(data[:4096]):
        raise Unreadable(Kind.NOT_AN_IMAGE, "It is not an image: it begins with nothing but zeros.")
    raise Unreadable(Kind.NOT_AN_IMAGE, "It is not an image of a known kind.")


def _is_bare_dicom(data: bytes) -> bool:
    """DICOM without its preamble: it begins with an element of group 2 or 8, in either byte order."""
    little = data[:2] in (b"\x02\0", b"\x08\0") and data[3:4] == b"\0"
    big = data[:2] in (b"\0\x02", b"\0\x08") and data[2:3] == b"\0"
    representation = data[4:6]
    explicit = representation.isalpha() and representation.isupper()
    implicit = little and int.from_bytes(data[4:8], "little") < 1024
    return len(data) > 16 and (((little or big) and explicit) or implicit)
