"""PNG, JPEG, BMP, WebP, GIF, PNM, JPEG 2000, and the compressed TIFF that tifffile leaves to libtiff; by Pillow."""

from __future__ import annotations

import io
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from vesalius.data.outcomes import Decoded, Kind, Unreadable
from vesalius.data.readers.depth import check_size, over_black, to_storable, upright

_FORMATS = ("PNG", "JPEG", "BMP", "WEBP", "GIF", "PPM", "JPEG2000", "TIFF")
# Named, so that no foreign file reaches Pillow's other decoders (EPS would start Ghostscript).

warnings.filterwarnings("ignore", module=r"PIL\.")  # what Pillow would print of a bad file, the outcome says

_ORIENTATION = 0x0112


def decode(data: bytes, frame: int = 0, enough: int | None = None) -> Decoded:
    """See ``readers.read``."""
    try:
        return _decode(data, frame, enough)
    except Unreadable:
        raise
    except UnidentifiedImageError:
        raise Unreadable(Kind.CORRUPT, "Its header is damaged.") from None
    except Image.DecompressionBombError:
        raise Unreadable(Kind.TOO_LARGE, "It would unpack to more pixels than are read.") from None
    except MemoryError:
        raise
    except Exception as error:  # a decoder fed with garbage raises nearly anything
        words = str(error)
        if "truncated" in words.lower() or isinstance(error, EOFError):
            raise Unreadable(Kind.TRUNCATED, "The file ends before its pixels do.") from error
        raise Unreadable(Kind.CORRUPT, "Its content is damaged.") from error


def _decode(data: bytes, frame: int, enough: int | None) -> Decoded:
    image: Image.Image = Image.open(io.BytesIO(data), formats=_FORMATS)
    check_size(image.height, image.width, len(image.getbands()))
    count = int(getattr(image, "n_frames", 1))
    notes: list[str] = []
    if not 0 <= frame < count:
        raise Unreadable(Kind.NO_FRAME, f"It has {count} frame{'s' * (count != 1)}, so there is no frame {frame}.")
    if frame:
        _paint_in_colour(image)
        image.seek(frame)
        check_size(image.height, image.width, len(image.getbands()))
    if count > 1:
        notes.append(f"frame {frame} of {count}")
    if _is_deep_colour_png(data):
        pixels, alpha = _deep_colour_png(data)
    else:
        if enough is not None and image.format == "JPEG":
            ratio = 2 * enough / min(image.size)  # Lanczos still has a factor of two to do properly
            image.draft(None, (int(np.ceil(image.width * ratio)), int(np.ceil(image.height * ratio))))
        image.load()
        pixels, alpha = _as_array(image, notes)
    if alpha:
        pixels = over_black(pixels, notes)
    orientation = _orientation(image)
    if orientation in range(2, 9):
        notes.append(f"turned upright (orientation {orientation})")
    decoded = to_storable(upright(pixels, orientation), frames=count, notes=tuple(notes))
    return decoded


def upright_pixels(image: Image.Image) -> NDArray[Any]:
    """An image that somebody else opened as (H, W, C) in its own numbers, alpha over black. Raises Unreadable."""
    check_size(image.height, image.width, len(image.getbands()))
    pixels, alpha = _as_array(image, [])
    return upright(over_black(pixels, []) if alpha else pixels, _orientation(image))


def _paint_in_colour(image: Image.Image) -> None:
    """Let a GIF whose first frame is grey be painted over by frames with a palette, which Pillow gets wrong."""
    image.load()
    if image.format == "GIF" and image.mode == "L":
        if "transparency" in image.info:
            raise Unreadable(Kind.UNSUPPORTED, "It is an animated grey GIF with transparency; only frame 0 is read.")
        image.im = image.im.convert("RGB")
        image._mode = "RGB"


def _as_array(image: Image.Image, notes: list[str]) -> tuple[NDArray[Any], bool]:
    """(H, W, C) and whether the last channel is alpha."""
    mode = image.mode
    if mode in ("P", "PA") or "transparency" in image.info:
        transparent = mode == "PA" or "transparency" in image.info
        grey = mode in ("L", "1") or (mode == "P" and _is_grey(image))
        if mode.startswith("I;16"):  # a transparent grey value of 16 bits: Pillow would drop to 8
            values = np.asarray(image)[..., None]
            return np.where(values == image.info["transparency"], 0, values).astype(np.uint16), False
        image = image.convert(("LA" if grey else "RGBA") if transparent else ("L" if grey else "RGB"))
        if mode.startswith("P"):
            notes.append("palette resolved")
        return np.asarray(image).reshape(image.height, image.width, -1), transparent
    if mode in ("1", "L", "RGB", "F") or mode.startswith("I;16"):
        return np.asarray(image).reshape(image.height, image.width, -1), False
    if mode == "I":
        values = np.asarray(image)[..., None]
        return (values.astype(np.uint16) if values.min() >= 0 and values.max() <= 65535 else values), False
    if mode in ("LA", "RGBA"):
        return np.asarray(image), True
    if mode in ("CMYK", "YCbCr"):
        notes.append(f"{mode} converted to RGB")
        return np.asarray(image.convert("RGB")), False
    raise Unreadable(Kind.UNSUPPORTED, f"Its colours are of the kind {mode}, which is not read.")


def _is_grey(image: Image.Image) -> bool:
    palette = np.asarray(image.getpalette("RGB") or [0], np.uint8)
    return bool(len(palette) % 3 == 0 and (palette.reshape(-1, 3) == palette.reshape(-1, 3)[:, :1]).all())


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # damaged EXIF data say nothing about the pixels
        return 1


def _is_deep_colour_png(data: bytes) -> bool:
    """16 bits a channel with colour or alpha, which Pillow reads as 8."""
    return data[:8] == b"\x89PNG\r\n\x1a\n" and data[24:25] == b"\x10" and data[25:26] in (b"\x02", b"\x04", b"\x06")


def _deep_colour_png(data: bytes) -> tuple[NDArray[Any], bool]:
    import torch
    from torchvision.io import ImageReadMode, decode_image

    tensor = decode_image(torch.frombuffer(bytearray(data), dtype=torch.uint8), ImageReadMode.UNCHANGED)
    return tensor.permute(1, 2, 0).numpy(), data[25] != 2
