"""Files as the world sends them, made on the fly, each with what should become of it."""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

from vesalius.data.outcomes import Kind
from vesalius.data.settings import Window

Array = NDArray[Any]


@dataclass(frozen=True)
class Odd:
    """``expected``: the pixels, to within ``tolerance``, or why there are none. ``scale``: of one step,
    where it matters; ``window``: of grey DICOM."""

    kind: str
    name: str
    data: bytes | None
    expected: Array | Kind
    words: str
    frame: int = 0
    tolerance: int = 0
    white: float | None = None
    window: Window = "file"
    low_high: tuple[float, float] | None = None


def numbers(*shape: int, dtype: Any = np.uint8, top: int | None = None) -> Array:
    top = int(np.iinfo(dtype).max) if top is None else top
    return np.random.default_rng(7).integers(0, top + 1, shape, dtype=np.int64).astype(dtype)


def gradient() -> Array:
    """Smooth RGB, which JPEG keeps to a few steps, unlike under any of the eight turns."""
    y, x = np.mgrid[0:24, 0:40]
    return np.stack([40 + 4 * x, 60 + 5 * y, 90 + 2 * x + 2 * y], -1).astype(np.uint8)


def encoded(image: Array | Image.Image, form: str, **options: Any) -> bytes:
    file = io.BytesIO()
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(file, form, **options)
    return file.getvalue()


def tiff(array: Array, **options: Any) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, array, **options)
    return file.getvalue()


def png(array: Array, extra: bytes = b"", size: tuple[int, int] | None = None) -> bytes:
    """8 or 16 bits, 1 to 4 channels: what Pillow cannot write. ``size`` lies about height and width."""
    height, width = size or array.shape[:2]
    colour = {1: 0, 2: 4, 3: 2, 4: 6}[array.shape[2]]
    lines = b"".join(b"\0" + line.astype(array.dtype.newbyteorder(">")).tobytes() for line in array)
    head = struct.pack(">IIBBBBB", width, height, 8 * array.itemsize, colour, 0, 0, 0)
    chunks = chunk(b"IHDR", head) + extra + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def exif(orientation: int) -> Image.Exif:
    tags = Image.Exif()
    tags[0x0112] = orientation
    return tags


def as_stored(displayed: Array, orientation: int) -> Array:
    """The pixels which, tagged with ``orientation``, are shown as ``displayed``: the table of TIFF 6.0, page 36."""
    rows = {
        1: displayed,
        2: displayed[:, ::-1],
        3: displayed[::-1, ::-1],
        4: displayed[::-1],
        5: displayed.transpose(1, 0, 2),
        6: np.rot90(displayed, 1),
        7: displayed[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(displayed, -1),
    }
    return np.ascontiguousarray(rows[orientation])


def over_black(colour: Array, alpha: Array) -> Array:
    white = np.iinfo(colour.dtype).max
    return np.floor(colour.astype(np.float64) * alpha[..., None] / white + 0.5).astype(colour.dtype)


def plain() -> list[Odd]:
    grey, rgb, smooth = numbers(20, 30), numbers(20, 30, 3), gradient()
    one, strip = numbers(1, 1, 3), numbers(1, 4000)
    return [
        Odd("plain", "grey.png", encoded(grey, "PNG"), grey[..., None], "as it is"),
        Odd("plain", "colour.bmp", encoded(rgb, "BMP"), rgb, "as it is"),
        Odd("plain", "colour.jpg", encoded(smooth, "JPEG", quality=95), smooth, "to 6 steps", tolerance=6),
        Odd("plain", "progressive.jpg", encoded(smooth, "JPEG", quality=95, progressive=True), smooth, "to 6 steps",
            tolerance=6),
        Odd("plain", "lossless.webp", encoded(rgb, "WEBP", lossless=True), rgb, "as it is"),
        Odd("plain", "jpeg2000.jp2", encoded(rgb, "JPEG2000"), rgb, "as it is"),
        Odd("plain", "colour.ppm", encoded(rgb, "PPM"), rgb, "as it is"),
        Odd("tiny and thin", "one-pixel.png", encoded(one, "PNG"), one, "as it is"),
        Odd("tiny and thin", "strip.png", encoded(strip, "PNG"), strip[..., None], "as it is"),
        Odd("constant", "black.png", encoded(np.zeros((9, 9), np.uint8), "PNG"), np.zeros((9, 9, 1), np.uint8),
            "zeros"),
        Odd("constant", "white.png", png(np.full((9, 9, 3), 65535, np.uint16)), np.full((9, 9, 3), 65535, np.uint16),
            "65535"),
        Odd("constant", "flat-float.tif", tiff(np.full((9, 9), 7.5, np.float32)), np.zeros((9, 9, 1), np.uint16),
            "zeros, and 7.5 recorded", low_high=(7.5, 7.5)),
    ]  # fmt: skip


def depths() -> list[Odd]:
    grey, rgb = numbers(20, 30, 1, dtype=np.uint16), numbers(20, 30, 3, dtype=np.uint16)
    both, four = numbers(20, 30, 2, dtype=np.uint16), numbers(20, 30, 4, dtype=np.uint16)
    twelve = numbers(20, 30, dtype=np.uint16, top=4095)
    bits = numbers(20, 30, top=1).astype(bool)
    black_white = bits[..., None].astype(np.uint8) * 255
    share = np.random.default_rng(1).random((20, 30)).astype(np.float32)
    hounsfield = (share * 3000 - 1000).astype(np.int16)
    spread = (hounsfield - hounsfield.min()) / (int(hounsfield.max()) - int(hounsfield.min()))
    bad, worse = share.copy(), share.astype(np.float64)
    bad[3, 4], worse[0, 0] = np.nan, np.inf
    palette = Image.fromarray(numbers(20, 30, top=3), "P")
    colours = np.array([[10, 20, 30], [200, 0, 0], [0, 200, 0], [1, 2, 250]], np.uint8)
    palette.putpalette(colours.tobytes())
    resolved = colours[numbers(20, 30, top=3)]
    ends = (float(hounsfield.min()), float(hounsfield.max()))
    spread16 = np.rint(spread * 65535).astype(np.uint16)[..., None]
    gradient_map = np.stack(
        [np.arange(256, dtype=np.uint16) * 257, np.zeros(256, np.uint16), np.full(256, 65535, np.uint16)]
    )
    index = numbers(20, 30)
    mapped = np.stack([index, np.zeros_like(index), np.full_like(index, 255)], -1)
    return [
        Odd("16 bits", "grey16.png", png(grey), grey, "all 16 bits"),
        Odd("16 bits", "colour16.png", png(rgb), rgb, "all 16 bits"),
        Odd("16 bits", "grey16-alpha.png", png(both), over_black(both[..., :1], both[..., 1]),
            "all 16 bits, over black"),
        Odd("16 bits", "colour16-alpha.png", png(four), over_black(four[..., :3], four[..., 3]),
            "all 16 bits, over black"),
        Odd("16 bits", "grey16.tif", tiff(grey[..., 0]), grey, "all 16 bits"),
        Odd("16 bits", "colour16-big-endian.tif", tiff(rgb, byteorder=">", photometric="rgb"), rgb, "all 16 bits"),
        Odd("16 bits", "colour16-deflate.tif", tiff(rgb, compression="zlib", photometric="rgb"), rgb, "all 16 bits"),
        Odd("16 bits", "bigtiff16.tif", tiff(grey[..., 0], bigtiff=True), grey, "all 16 bits"),
        Odd("16 bits", "grey16.pgm", b"P5\n30 20\n65535\n" + grey.astype(">u2").tobytes(), grey, "all 16 bits"),
        Odd("12 bits", "grey12.pgm", b"P5\n30 20\n4095\n" + twelve.astype(">u2").tobytes(),
            np.rint(twelve[..., None] / 4095 * 65535).astype(np.uint16), "white is 1", tolerance=1),
        Odd("12 bits", "grey12.tif", packed12(twelve), twelve[..., None], "12 bits, white is 4095", white=4095),
        Odd("1 bit", "bits.png", encoded(Image.fromarray(bits), "PNG"), black_white, "0 and 255"),
        Odd("1 bit", "bits.bmp", encoded(Image.fromarray(bits), "BMP"), black_white, "0 and 255"),
        Odd("1 bit", "fax.tif", encoded(Image.fromarray(bits), "TIFF", compression="group4"), black_white, "0 and 255"),
        Odd("1 bit", "bits.tif", tiff(bits, photometric="minisblack"), black_white, "0 and 255"),
        Odd("white is zero", "miniswhite.tif", tiff(255 - grey[..., 0].astype(np.uint8), photometric="miniswhite"),
            grey.astype(np.uint8), "inverted"),
        Odd("white is zero", "miniswhite16.tif", tiff(65535 - grey[..., 0], photometric="miniswhite"), grey,
            "inverted"),
        Odd("palette", "palette.png", encoded(palette, "PNG"), resolved, "RGB"),
        Odd("palette", "palette.gif", encoded(palette, "GIF"), resolved, "RGB"),
        Odd("palette", "palette.bmp", encoded(palette, "BMP"), resolved, "RGB"),
        Odd("palette", "palette.tif", tiff(index, photometric="palette", colormap=gradient_map), mapped, "RGB"),
        Odd("floats and signs", "share.tif", tiff(share), np.rint(share[...,
            None].astype(np.float64) * 65535).astype(np.uint16),
            "0 to 1 over 16 bits", low_high=(0, 1)),
        Odd("floats and signs", "hounsfield.tif", tiff(hounsfield), spread16, "its range over 16 bits", low_high=ends),
        Odd("floats and signs", "double.tif", tiff(hounsfield.astype(np.float64)), spread16,
            "its range over 16 bits", low_high=ends),
        Odd("floats and signs", "unsigned32.tif", tiff((hounsfield.astype(np.int64) + 90_000).astype(np.uint32)),
            spread16,
            "its range over 16 bits", low_high=(ends[0] + 90_000, ends[1] + 90_000)),
        Odd("not finite", "nan.tif", tiff(bad), Kind.NOT_FINITE, "refused"),
        Odd("not finite", "infinite.tif", tiff(worse), Kind.NOT_FINITE, "refused"),
    ]  # fmt: skip


def packed12(values: Array) -> bytes:
    """A 12-bit grey TIFF, two pixels in three bytes, by hand."""
    height, width = values.shape
    a, b = values[:, 0::2].astype(np.uint32), values[:, 1::2].astype(np.uint32)
    body = np.stack([a >> 4, (a & 15) << 4 | b >> 8, b & 255], -1).astype(np.uint8).tobytes()
    tags = [(256, 4, width), (257, 4, height), (258, 3, 12), (259, 3, 1), (262, 3, 1), (273, 4, 8), (277, 3, 1),
    (278, 4, height),
            (279, 4, len(body))]  # fmt: skip
    directory = struct.pack("<H", len(tags)) + b"".join(
        struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in tags
    )
    return struct.pack("<2sHI", b"II", 42, 8 + len(body)) + body + directory + struct.pack("<I", 0)


def colours() -> list[Odd]:
    smooth, rgb = gradient(), numbers(20, 30, 3)
    alpha = numbers(20, 30)
    rgba = np.dstack([rgb, alpha])
    grey_alpha = np.dstack([rgb[..., 0], alpha])
    ink = Image.fromarray(smooth).convert("CMYK")
    inks = np.asarray(ink)
    printed = np.floor((255 - inks[..., :3].astype(np.float64)) * (255 - inks[..., 3:]) / 255 + 0.5).astype(np.uint8)
    holes = Image.fromarray(numbers(20, 30, top=3), "P")
    holes.putpalette(bytes([10, 20, 30, 200, 0, 0, 0, 200, 0, 1, 2, 250]))
    index = numbers(20, 30, top=3)
    seen = np.array([[0, 0, 0], [200, 0, 0], [0, 200, 0], [1, 2, 250]], np.uint8)[index]
    five, seven = numbers(20, 30, 5), numbers(20, 30, 7, dtype=np.uint16)
    return [
        Odd("CMYK", "cmyk.jpg", encoded(ink, "JPEG", quality=95), printed, "RGB, to 8 steps", tolerance=8),
        Odd("CMYK", "cmyk.tif", tiff(inks, photometric="separated"), printed, "RGB"),
        Odd("CMYK", "cmyk-lzw.tif", encoded(ink, "TIFF", compression="tiff_lzw"), printed, "RGB, to 1 step",
            tolerance=1),
        Odd("alpha", "colour-alpha.png", encoded(rgba, "PNG"), over_black(rgb, alpha), "over black"),
        Odd("alpha", "grey-alpha.png", encoded(Image.fromarray(grey_alpha, "LA"), "PNG"),
            over_black(rgb[..., :1], alpha), "over black"),
        Odd("alpha", "alpha.webp", encoded(rgba, "WEBP", lossless=True, exact=True), over_black(rgb, alpha),
            "over black"),
        Odd("alpha", "alpha.tif", tiff(rgba, photometric="rgb", extrasamples=["unassalpha"]), over_black(rgb, alpha),
            "over black"),
        Odd("alpha", "premultiplied.tif", tiff(np.dstack([over_black(rgb, alpha), alpha]), photometric="rgb",
            extrasamples=["assocalpha"]), over_black(rgb, alpha), "as it is: it was over black"),
        Odd("alpha", "opaque.png", encoded(np.dstack([rgb, np.full_like(alpha, 255)]), "PNG"), rgb, "alpha dropped"),
        Odd("alpha", "transparent.gif", encoded(holes, "GIF", transparency=0), seen, "over black"),
        Odd("alpha", "transparent-palette.png", encoded(holes, "PNG", transparency=0), seen, "over black"),
        Odd("many channels", "five.tif", tiff(five, photometric="minisblack", planarconfig="contig"), five,
            "all 5 channels"),
        Odd("many channels", "seven-planar.tif", tiff(np.ascontiguousarray(np.moveaxis(seven, -1, 0)),
            photometric="minisblack",
            planarconfig="separate"), seven, "all 7 channels"),
        Odd("compressed TIFF", "lzw.tif", encoded(rgb, "TIFF", compression="tiff_lzw"), rgb, "as it is"),
        Odd("compressed TIFF", "packbits.tif", encoded(rgb, "TIFF", compression="packbits"), rgb, "as it is"),
        Odd("compressed TIFF", "jpeg.tif", encoded(smooth, "TIFF", compression="jpeg", quality=95), smooth,
            "to 6 steps", tolerance=6),
        Odd("compressed TIFF", "tiled.tif", tiff(np.tile(rgb, (4, 4, 1)), tile=(32, 32), photometric="rgb",
            compression="zlib"),
            np.tile(rgb, (4, 4, 1)), "as it is"),
    ]  # fmt: skip


def turned() -> list[Odd]:
    smooth, grey = gradient(), numbers(20, 30, 1)
    odd = [
        Odd("EXIF rotation", f"orientation-{number}.jpg",
            encoded(as_stored(smooth, number), "JPEG", quality=95, exif=exif(number)), smooth, "upright, to 6 steps",
            tolerance=6)
        for number in range(1, 9)
    ]  # fmt: skip
    return [
        *odd,
        Odd("EXIF rotation", "orientation-6.png", encoded(as_stored(smooth, 6), "PNG", exif=exif(6)), smooth,
            "upright"),
        Odd("EXIF rotation", "orientation-8.webp", encoded(as_stored(smooth, 8), "WEBP", lossless=True,
            exif=exif(8)), smooth, "upright"),
        Odd("EXIF rotation", "orientation-5.tif",
            tiff(as_stored(grey, 5)[..., 0], extratags=[(274, 3, 1, 5, True)]), grey, "upright"),
        Odd("EXIF rotation", "orientation-7-lzw.tif",
            encoded(as_stored(smooth, 7), "TIFF", compression="tiff_lzw", tiffinfo={274: 7}), smooth, "upright"),
        Odd("EXIF rotation", "orientation-99.jpg", encoded(smooth, "JPEG", quality=95, exif=exif(99)), smooth,
            "as it is, to 6 steps", tolerance=6),
    ]  # fmt: skip


def several_frames() -> list[Odd]:
    frames = [numbers(20, 30) // 2, 128 + numbers(20, 30) // 2, np.full((20, 30), 9, np.uint8)]
    images = [Image.fromarray(frame) for frame in frames]
    rest = {"save_all": True, "append_images": images[1:]}
    colour = [Image.fromarray(np.dstack([frame] * 3)) for frame in frames]
    blank = [Image.fromarray(np.dstack([frame] * 3)).quantize() for frame in frames[:2]]
    coloured = encoded(blank[0], "GIF", save_all=True, append_images=blank[1:])
    gif, pages = encoded(images[0], "GIF", **rest), tiff(np.stack(frames), photometric="minisblack")
    webp = encoded(colour[0], "WEBP", save_all=True, append_images=colour[1:], lossless=True)
    return [
        Odd("animated", "animated.gif", gif, frames[0][..., None], "its first frame"),
        Odd("animated", "animated.gif", gif, np.dstack([frames[1]] * 3), "the frame asked for", frame=1),
        Odd("animated", "animated-palette.gif", coloured, np.asarray(blank[1].convert("RGB")), "the frame asked for",
            frame=1),
        Odd("animated", "animated.gif", gif, np.dstack([frames[2]] * 3), "the frame asked for", frame=2),
        Odd("animated", "animated.gif", gif, Kind.NO_FRAME, "refused", frame=3),
        Odd("animated", "animated.webp", webp, np.dstack([frames[2]] * 3), "the frame asked for", frame=2),
        Odd("animated", "animated.png", encoded(images[0], "PNG", **rest), frames[0][..., None], "its first frame"),
        Odd("many pages", "pages.tif", pages, frames[0][..., None], "its first page"),
        Odd("many pages", "pages.tif", pages, frames[2][..., None], "the page asked for", frame=2),
        Odd("many pages", "pages.tif", pages, Kind.NO_FRAME, "refused", frame=3),
        Odd("many pages", "pages-lzw.tif", encoded(images[0], "TIFF", compression="tiff_lzw", **rest), frames[1][...,
            None],
            "the page asked for", frame=1),
    ]  # fmt: skip


def damaged() -> list[Odd]:
    rgb, grey = numbers(40, 60, 3), numbers(40, 60)
    files = {
        "png": encoded(rgb, "PNG"),
        "jpg": encoded(gradient(), "JPEG"),
        "bmp": encoded(rgb, "BMP"),
        "gif": encoded(grey, "GIF"),
    }
    cut = [
        Odd("truncated", f"half.{name}", data[: len(data) // 2], Kind.TRUNCATED, "refused")
        for name, data in files.items()
    ]
    packed = bytearray(files["png"])
    packed[len(packed) // 2] ^= 0xFF
    header = bytearray(files["png"])
    header[20] ^= 0xFF
    no_frame = files["jpg"].replace(b"\xff\xc0", b"\xff\xfe", 1)
    directory = bytearray(tiff(grey))
    directory[4:8] = struct.pack("<I", 1 << 30)
    return [
        *cut,
        Odd("truncated", "half.tif", tiff(grey, metadata=None)[:1500], Kind.TRUNCATED, "refused"),
        Odd(
            "truncated", "half-lzw.tif", encoded(rgb, "TIFF", compression="tiff_lzw")[:1500], Kind.TRUNCATED, "refused"
        ),
        Odd("truncated", "half.webp", encoded(rgb, "WEBP", lossless=True)[:1500], Kind.CORRUPT, "refused"),
        Odd("truncated", "three-quarters.jp2", encoded(rgb, "JPEG2000")[:-1500], Kind.CORRUPT, "refused"),
        Odd("truncated", "header-only.png", files["png"][:33], Kind.CORRUPT, "refused"),
        Odd("truncated", "two-bytes.jpg", b"\xff\xd8", Kind.NOT_AN_IMAGE, "refused"),
        Odd("corrupt", "pixels.png", bytes(packed), Kind.CORRUPT, "refused"),
        Odd("corrupt", "header.png", bytes(header), Kind.CORRUPT, "refused"),
        Odd("corrupt", "no-size.jpg", no_frame, Kind.CORRUPT, "refused"),
        Odd("corrupt", "directory.tif", bytes(directory), Kind.TRUNCATED, "refused"),
        Odd("corrupt", "noise.bmp", b"BM" + numbers(500).tobytes(), Kind.TRUNCATED, "refused"),
        Odd("corrupt", "no-width.png", png(np.zeros((1, 1, 1), np.uint8), size=(5, 0)), Kind.CORRUPT, "refused"),
        Odd("empty", "empty.png", b"", Kind.EMPTY, "refused"),
        Odd("empty", "empty.dcm", b"", Kind.EMPTY, "refused"),
        Odd("missing", "nowhere.png", None, Kind.MISSING, "refused"),
        Odd("missing", "nowhere.dcm", None, Kind.MISSING, "refused"),
    ]


def bombs() -> list[Odd]:
    dot = np.zeros((1, 1, 1), np.uint8)
    text = chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(80 << 20)))
    wide = tiff(np.zeros((4, 4), np.uint8), metadata=None)
    tall = wide
    for tag in (256, 257):
        at = wide.index(struct.pack("<HH", tag, 4))
        tall = tall[:at] + struct.pack("<HHII", tag, 4, 1, 200_000) + tall[at + 12 :]
    gif = bytearray(encoded(np.zeros((4, 4), np.uint8), "GIF"))
    gif[6:10] = struct.pack("<HH", 65535, 65535)
    jpeg = bytearray(encoded(np.zeros((8, 8), np.uint8), "JPEG"))
    at = jpeg.index(b"\xff\xc0")
    jpeg[at + 5 : at + 9] = struct.pack(">HH", 65000, 65000)
    return [
        Odd("bomb", "60000x60000.png", png(dot, size=(60000, 60000)), Kind.TOO_LARGE, "refused"),
        Odd("bomb", "200000x200000.tif", tall, Kind.TOO_LARGE, "refused"),
        Odd("bomb", "65535x65535.gif", bytes(gif), Kind.TOO_LARGE, "refused"),
        Odd("bomb", "65000x65000.jpg", bytes(jpeg), Kind.TOO_LARGE, "refused"),
        Odd("bomb", "text.png", png(dot, text), Kind.CORRUPT, "refused"),
    ]


def other_things() -> list[Odd]:
    smooth, rgb = gradient(), numbers(20, 30, 3)
    return [
        Odd(
            "wrong suffix",
            "a-jpeg.png",
            encoded(smooth, "JPEG", quality=95),
            smooth,
            "what it is, to 6 steps",
            tolerance=6,
        ),
        Odd("wrong suffix", "a-png.jpg", encoded(rgb, "PNG"), rgb, "what it is"),
        Odd("wrong suffix", "a-tiff.dcm", tiff(rgb, photometric="rgb"), rgb, "what it is"),
        Odd("wrong suffix", "a-png-without-suffix", encoded(rgb, "PNG"), rgb, "what it is"),
        Odd("not an image", "text.jpg", b"the patient was asked to hold still\n", Kind.NOT_AN_IMAGE, "refused"),
        Odd("not an image", "page.png", b"\n<!DOCTYPE html><html>404</html>", Kind.NOT_AN_IMAGE, "refused"),
        Odd("not an image", "document.jpg", b"%PDF-1.7\n", Kind.NOT_AN_IMAGE, "refused"),
        Odd("not an image", "archive.png", b"PK\x03\x04rest", Kind.NOT_AN_IMAGE, "refused"),
        Odd("not an image", "script.png", b"%!PS-Adobe-3.0 EPSF-3.0\n", Kind.NOT_AN_IMAGE, "refused"),
        Odd(
            "not an image", "pointer.jpg", b"version https://git-lfs.github.com/spec/v1\n", Kind.NOT_AN_IMAGE, "refused"
        ),
        Odd("not an image", "zeros.png", bytes(5000), Kind.NOT_AN_IMAGE, "refused"),
        Odd("not an image", "phone.heic", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", Kind.UNSUPPORTED, "refused"),
    ]


def all_odd() -> list[Odd]:
    """Every file, those of pydicom among them."""
    from tests.data.odd_dicom import dicom

    made = [*plain(), *depths(), *colours(), *turned(), *several_frames(), *damaged(), *bombs(), *other_things()]
    return [*made, *dicom()]
