"""From a DICOM file's grey numbers to what is stored: modality, window, inversion, padding.

PS3.3 C.11.1 (modality), C.11.2 (values of interest), C.7.6.3.1.2 (MONOCHROME1), C.7.5.1.1.2 (padding), and the functional
groups of enhanced multi-frame images (C.7.6.16.2.9, C.7.6.16.2.10).
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from vesalius.data.outcomes import Decoded, Kind, Unreadable
from vesalius.data.settings import PERCENTILES, Window

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pydicom import Dataset

    Floats = NDArray[np.float64]
    Mask = NDArray[np.bool_]


_ROUGHLY = 16


class Ramp(NamedTuple):
    """``level``, 0 to 1, of each value; the values of 0 and 1; what was done, in words."""

    level: Floats
    low: float
    high: float
    words: str


class _Numbers(NamedTuple):
    """What numbers the pixels hold: ``values`` (T,), how many pixels, or every nth, hold each, and ``back`` to pixels."""

    values: NDArray[Any]
    counts: Callable[[int], NDArray[np.int64]]
    ends: tuple[float, float]
    bits: int
    back: Callable[[NDArray[Any]], NDArray[Any]]


def stored(
    pixels: NDArray[Any], dataset: Dataset, frame: int, window: Window, frames: int, notes: tuple[str, ...]
) -> Decoded:
    """``pixels`` (H, W, 1), as they are in the file, to Decoded; see ``settings.Window``.

    Every level that a window does not clip is kept: 8 bits are stored as uint8, more as uint16. Raises Unreadable for NaN.
    """
    numbers = _table(pixels, dataset) if pixels.dtype.kind in "ui" and pixels.itemsize <= 2 else _listed(pixels)
    values, (low, high), bits, words = _modality(numbers, dataset, frame)
    hidden = _padding(numbers.values, dataset) if window != "none" else np.zeros(len(values), bool)
    if pixels.dtype.kind == "f" and not np.isfinite(values[~hidden]).all():
        raise Unreadable(Kind.NOT_FINITE, "Some of its pixel values are NaN or infinite.")
    ramp = _windowed(values, lambda step: numbers.counts(step) * ~hidden, dataset, frame, window, bits)
    deep = bits > 8
    if ramp is None:
        ramp, white = (
            _line(values, low, high, f"{low:g} to {high:g} spread over 16 bits" if bits > 16 else ""),
            2 ** max(8, bits) - 1 if bits <= 16 else 65535,
        )
    else:
        white = 65535 if deep else 255
    level, low, high = ramp.level, ramp.low, ramp.high
    if inverted := str(dataset.get("PhotometricInterpretation", "")) == "MONOCHROME1":
        level, low, high = 1 - level, high, low
    level[hidden] = 0  # what is no picture is black
    said = (*notes, "MONOCHROME1 inverted" if inverted else "", words, "padding is black" if hidden.any() else "", ramp.words)
    made = numbers.back(np.rint(level * white).astype(np.uint16 if deep else np.uint8))
    return Decoded(made, 1 / white, low=low, high=high, frames=frames, notes=tuple(word for word in said if word))


def _table(pixels: NDArray[Any], dataset: Dataset) -> _Numbers:
    """Every number that 8 or 16 bits can hold, so that a picture is one look into a table."""
    native = pixels.dtype.newbyteorder("=")
    patterns = pixels.astype(native, copy=False).view(f"u{pixels.itemsize}")
    bits = min(int(dataset.get("BitsStored") or 8 * pixels.itemsize), 8 * pixels.itemsize)
    values = np.arange(256**pixels.itemsize) % 2**bits  # what stands in the bits above, such as an overlay, is no value
    least = 0
    if native.kind == "i":
        least = -(2 ** (bits - 1))
        values = np.where(values < -least, values, values + 2 * least)

    def counts(step: int) -> NDArray[np.int64]:
        return np.bincount(patterns[::step, ::step].reshape(-1), minlength=len(values))

    return _Numbers(values, counts, (least, least + 2**bits - 1), bits, lambda made: np.take(made, patterns))


def _listed(pixels: NDArray[Any]) -> _Numbers:
    """Floats and 32-bit integers: each pixel's number. Their ends are their own, or 0 and 1 for floats within."""
    values = pixels.reshape(-1)
    low, high = float(values.min()), float(values.max())
    ends = (0.0, 1.0) if pixels.dtype.kind == "f" and low >= 0 and high <= 1 else (low, high)
    return _Numbers(values, lambda step: np.ones(len(values), np.int64), ends, 32, lambda made: made.reshape(pixels.shape))


def _modality(numbers: _Numbers, dataset: Dataset, frame: int) -> tuple[Floats, tuple[float, float], int, str]:
    """Values in the units of the modality (HU), those of the ends, bits, and what was done."""
    item = _group(dataset, frame, "PixelValueTransformationSequence")
    if dataset.get("ModalityLUTSequence"):
        looked_up, depth = _looked_up(numbers.values, dataset.ModalityLUTSequence[0], dataset)
        return looked_up, (0.0, 2.0**depth - 1), max(depth, numbers.bits), "modality table applied"
    slope = float(dataset.get("RescaleSlope") or item.get("RescaleSlope") or 1)
    intercept = float(dataset.get("RescaleIntercept") or item.get("RescaleIntercept") or 0)
    one, other = (slope * end + intercept for end in numbers.ends)
    said = f"rescaled by {slope:g}, {intercept:+g}" if slope != 1 or intercept != 0 else ""
    return numbers.values * slope + intercept, (min(one, other), max(one, other)), numbers.bits, said


def _windowed(
    values: Floats, counts: Callable[[int], NDArray[np.int64]], dataset: Dataset, frame: int, window: Window, bits: int
) -> Ramp | None:
    """What ``window`` makes of the values; None where it leaves them as they are."""
    if window == "none":
        return None
    if not isinstance(window, str):
        centre, width = window
        return _line(values, centre - width / 2, centre + width / 2, f"window {centre:g}, {width:g}")
    found = _of_file(values, dataset, frame) if window == "file" else None
    if found is not None:
        for step in (_ROUGHLY, 1):  # a few pixels will do where they show something
            some = counts(step) > 0
            if some.any() and np.ptp(found.level[some]) > 1 / 255:
                return found
        if some.any() and not np.ptp(values[some]):
            return found
    if window == "file" and bits <= 8 and found is None:
        return None
    return _by_percentiles(values, counts(1))


def _of_file(values: Floats, dataset: Dataset, frame: int) -> Ramp | None:
    """The file's first lookup table, else its first window; None where it has none, or none that means anything."""
    item = (
        dataset
        if "VOILUTSequence" in dataset or "WindowCenter" in dataset
        else _group(dataset, frame, "FrameVOILUTSequence")
    )
    table = (item.get("VOILUTSequence") or [None])[0]
    if table is not None and table.get("LUTDescriptor") and table.get("LUTData") is not None:
        looked_up, depth = _looked_up(np.rint(values).astype(np.int64), table, dataset)
        entries, first = _entries(table), _signed(int(table.LUTDescriptor[1]), values)
        return Ramp(looked_up / (2.0**depth - 1), first, first + entries - 1, "the file's table")
    centre, width = _first(item.get("WindowCenter")), _first(item.get("WindowWidth"))
    if centre is None or width is None:
        return None
    function = str(item.get("VOILUTFunction") or "LINEAR").upper()
    words = f"the file's window {centre:g}, {width:g}"
    if function == "SIGMOID" and width > 0:
        level = 1 / (1 + np.exp(np.clip(-4 * (values - centre) / width, -700, 700)))
        return Ramp(level, centre - width / 2, centre + width / 2, f"{words}, sigmoid")
    if function == "LINEAR_EXACT" and width > 0:
        return _line(values, centre - width / 2, centre + width / 2, f"{words}, exact")
    if function == "LINEAR" and width >= 1:  # C.11.2.1.2.1
        return _line(values, centre - 0.5 - (width - 1) / 2, centre - 0.5 + (width - 1) / 2, words)
    return None


def _by_percentiles(values: Floats, counts: NDArray[np.int64]) -> Ramp:
    order = np.argsort(values, kind="stable")
    total = np.cumsum(counts[order])
    if total[-1] == 0:
        return Ramp(np.zeros(len(values)), 0.0, 1.0, "nothing but padding")
    low, high = (float(values[order[np.searchsorted(total, share / 100 * total[-1])]]) for share in PERCENTILES)
    if low == high:  # nearly all of it is one value
        there = values[counts > 0]
        low, high = float(there.min()), float(there.max())
    return _line(values, low, high, f"percentiles {PERCENTILES[0]:g} and {PERCENTILES[1]:g}: {low:g} to {high:g}")


def _line(values: Floats, low: float, high: float, words: str) -> Ramp:
    """Straight from 0 at ``low`` to 1 at ``high``; a step where they are one; black where there is but one value."""
    if high > low:
        level = np.clip((values - low) / (high - low), 0, 1)
    else:
        level = (values > low).astype(np.float64)
    return Ramp(level, low, high, words)


def _looked_up(values: NDArray[Any], item: Dataset, dataset: Dataset) -> tuple[Floats, int]:
    """``values`` in the table of ``item``, and its depth in bits. Numbers beyond its ends take its ends."""
    first, depth = _signed(int(item.LUTDescriptor[1]), values), int(item.LUTDescriptor[2])
    data, entries = item.LUTData, _entries(item)
    if isinstance(data, bytes):
        order = "<" if dataset.original_encoding[1] is not False else ">"
        data = data[:entries] if len(data) < 2 * entries else struct.unpack(f"{order}{entries}H", data[: 2 * entries])
    table = np.atleast_1d(np.array(list(data) if isinstance(data, bytes) else data, np.float64))
    return table[np.clip(values - first, 0, len(table) - 1).astype(np.int64)], depth


def _entries(item: Dataset) -> int:
    return int(item.LUTDescriptor[0]) or 65536


def _signed(first: int, values: NDArray[Any]) -> int:
    """The first value mapped, which is signed where values are, whatever representation the pixels have (C.11.2.1.1)."""
    return first - 65536 if first >= 32768 and values.min() < 0 else first


def _padding(values: NDArray[Any], dataset: Dataset) -> Mask:
    """Which stored values stand for no picture."""
    one, other = _first(dataset.get("PixelPaddingValue")), _first(dataset.get("PixelPaddingRangeLimit"))
    if one is None:
        return np.zeros(len(values), bool)
    other = one if other is None else other
    hidden: Mask = (values >= min(one, other)) & (values <= max(one, other))
    return hidden


def _group(dataset: Dataset, frame: int, sequence: str) -> Any:
    """The item of a functional group: of this frame, or of all; empty where there is none."""
    groups = dataset.get("PerFrameFunctionalGroupsSequence") or []
    for group in (*groups[frame : frame + 1], *(dataset.get("SharedFunctionalGroupsSequence") or [])):
        if group.get(sequence):
            return group[sequence][0]
    return {}


def _first(value: Any) -> float | None:
    """The first of several numbers, or the number; None where there is none."""
    if value is None or isinstance(value, (str, bytes)):
        return None
    try:
        return float(value[0]) if hasattr(value, "__len__") and len(value) else float(value)
    except (TypeError, ValueError):
        return None
