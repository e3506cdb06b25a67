"""How well the perceptual hash finds a radiograph again, how rarely it takes two for one, and how long it takes.

    python -m docs.matching_numbers [--data pneumoniamnist.npz] [--numbers] [--only copies|others|time]

``copies``: 100 radiographs as PNG (8 and 12 bits) among 500 others, looked up from JPEG DICOM files of quality 75 and 95, 10 %
smaller and 10 % larger, some inverted; and 100 more that are not there. The 100 are the chest and the leg of pydicom-data at full
size, their quarters, and 90 children's chests of PneumoniaMNIST; the 500 and the 100 are other children's chests. PneumoniaMNIST has
28 pixels, drawn out to 256: it holds every frequency that the hash reads, but none above. ``others``: every pair of PneumoniaMNIST's
different radiographs. ``time``: 26,684 random hashes among 112,120. ``--numbers`` prints JSON lines.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vesalius.data import perceptual, references, store
from vesalius.data.matching import Hashes, hashes, nearest
from vesalius.data.settings import StoreSettings
from vesalius.data.table import SampleTable

COPIES = tuple((quality, scale) for quality in (75, 95) for scale in (0.9, 1.1))
_DRAWN_OUT = 256
NIH, RSNA = 112_120, 26_684


def children(file: str | Path) -> NDArray[np.uint8]:
    """``(n, 28, 28)`` the different radiographs of PneumoniaMNIST, in their order: 29 are there twice."""
    with np.load(file, allow_pickle=False) as arrays:
        every = np.concatenate([arrays[f"{split}_images"] for split in ("train", "val", "test")])
    _, first = np.unique(every.reshape(len(every), -1), axis=0, return_index=True)
    return every[np.sort(first)]


def adults() -> list[NDArray[np.uint16]]:
    """The chest and the leg of pydicom-data and their quarters, 12 bits, bright bone."""
    import pydicom
    from pydicom.data import get_testdata_file

    found = []
    for name in ("RG1_UNCR.dcm", "RG3_UNCR.dcm"):
        file = get_testdata_file(name, download=False)
        assert isinstance(file, str), f"{name} is missing: install pydicom-data"
        values = -pydicom.dcmread(file).pixel_array.astype(np.float32)  # MONOCHROME1: large is dark
        low, high = np.percentile(values[::4, ::4], (1, 99))
        whole = np.rint(((values - low) / (high - low)).clip(0, 1) * 4095).astype(np.uint16)
        height, width = (side // 2 for side in whole.shape)
        found += [whole, *(whole[y : y + height, x : x + width] for y in (0, height) for x in (0, width))]
    return found


def copies(folder: Path, file: str | Path, each: int = 90, others: int = 500, strangers: int = 100) -> dict[str, Any]:
    """Write both sets into ``folder``, store them, and look one up in the other."""
    known = children(file)
    chests = [_drawn_out(image) for image in known[np.linspace(0, len(known) - 1, each + others + strangers).astype(int)]]
    wanted, rest, absent = [*adults(), *chests[:each]], chests[each : each + others], chests[each + others :]
    for place in ("png", "dicom"):
        (folder / place).mkdir(parents=True)
    for number, image in enumerate([*wanted, *rest]):
        deep = image if image.dtype == np.uint16 or number % 2 else (image.astype(np.uint16) * 16 + 8)
        Image.fromarray(deep).save(folder / "png" / f"{number:04d}.png", compress_level=1)
    files, truth, kinds = [], [], []
    for number, image in enumerate([*wanted, *absent]):
        there = number < len(wanted)
        for quality, scale in COPIES if there else COPIES[:1]:
            files.append(f"{number:04d}-{quality}-{scale}.dcm")
            truth.append(number if there else -1)
            kinds.append(f"quality {quality}, {scale:g} x")
            (folder / "dicom" / files[-1]).write_bytes(jpeg_dicom(image, quality, scale, inverted=number % 3 == 0))
    settings = StoreSettings(size=224, channels=1)
    png = store.build(SampleTable.of("png", folder / "png", sorted(os.listdir(folder / "png"))), settings)
    dicom = store.build(SampleTable.of("dicom", folder / "dicom", files), settings)
    found, far = nearest(hashes(dicom), hashes(png))
    right = np.array(truth)
    known_there = right >= 0
    hit = found == right
    apart = _distances(hashes(dicom).bits[known_there], hashes(png).bits[right[known_there]])
    return {
        "name": "matching/copies", "recall": float(hit[known_there].mean()), "copies": int(known_there.sum()), "others": others,
        "false": int(((found >= 0) & ~hit).sum()), "strangers": len(absent), "farthest": int(apart.max()),
        "by_kind": {kind: int(apart[[k == kind for k in np.array(kinds)[known_there]]].max()) for kind in dict.fromkeys(kinds)},
        "distance": perceptual.DISTANCE, "bits": perceptual.BITS, "least_wrong": int(far[~known_there].min()),
    }  # fmt: skip


def jpeg_dicom(image: NDArray[Any], quality: int, scale: float, *, inverted: bool = False) -> bytes:
    """``image`` with 8 bits, resized by ``scale``, as DICOM with JPEG baseline, as RSNA's; MONOCHROME1 where ``inverted``."""
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.encaps import encapsulate
    from pydicom.uid import JPEGBaseline8Bit, generate_uid

    eight = image if image.dtype == np.uint8 else np.rint(image / 4095 * 255).astype(np.uint8)
    eight = 255 - eight if inverted else eight
    height, width = (round(side * scale) for side in image.shape)
    packed, file = io.BytesIO(), io.BytesIO()
    Image.fromarray(eight).resize((width, height), Image.Resampling.LANCZOS).save(packed, "JPEG", quality=quality)
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = "1.2.840.10008.5.1.4.1.1.7", generate_uid()
    meta.TransferSyntaxUID = JPEGBaseline8Bit
    data = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    data.SOPClassUID, data.SOPInstanceUID, data.Modality = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID, "CR"
    data.Rows, data.Columns, data.SamplesPerPixel, data.PixelRepresentation = height, width, 1, 0
    data.BitsAllocated, data.BitsStored, data.HighBit = 8, 8, 7
    data.PhotometricInterpretation = "MONOCHROME1" if inverted else "MONOCHROME2"
    data.PixelData = encapsulate([packed.getvalue()])
    data["PixelData"].is_undefined_length = True
    data.save_as(file)
    return file.getvalue()


def pairs(file: str | Path) -> dict[str, Any]:
    """The distances of every pair of different radiographs of PneumoniaMNIST: how many are within so many bits."""
    images = children(file)
    bits = perceptual.bits_of(np.stack([_thumbnail(_drawn_out(image)) for image in images]))
    signs = np.unpackbits(bits, axis=1).astype(np.float32) * 2 - 1
    counts = np.zeros(perceptual.BITS + 1, np.int64)
    for start in range(0, len(signs), 1000):
        product = signs[start : start + 1000] @ signs.T
        later = np.arange(len(signs)) > (start + np.arange(len(product)))[:, None]
        apart = (perceptual.BITS - np.abs(product[later])) / 2
        counts += np.bincount(apart.astype(int), minlength=len(counts))
    within = np.cumsum(counts)
    steps = [(d, int(within[d])) for d in range(130, 200, 10)]
    slope = np.log(within[180] / within[150]) / 30  # the tail falls as an exponential
    expected = within[150] / within[-1] * np.exp(-slope * (150 - perceptual.DISTANCE)) * NIH * RSNA
    return {
        "name": "matching/others", "images": len(images), "pairs": int(within[-1]), "nearest": int(np.flatnonzero(within)[0]),
        "within": dict(steps), "factor_per_10_bits": float(np.exp(10 * slope)), "expected_false_nih_rsna": float(expected),
    }  # fmt: skip


def timed(mine: int = RSNA, others: int = NIH) -> dict[str, Any]:
    """Seconds to look ``mine`` random hashes up among ``others``, half of them copies with 20 other bits."""
    import torch

    rng = np.random.default_rng(1)
    left = rng.integers(0, 256, (others, 64)).astype(np.uint8)
    right = np.concatenate([left[: mine // 2], rng.integers(0, 256, (mine - mine // 2, 64)).astype(np.uint8)])
    for row in right[: mine // 2]:
        row ^= np.packbits(np.isin(np.arange(512), rng.choice(512, 20, replace=False)))
    began, cpu = time.perf_counter(), time.process_time()
    found, _ = nearest(Hashes(right, np.ones(mine, bool)), Hashes(left, np.ones(others, bool)))
    seconds, used = time.perf_counter() - began, time.process_time() - cpu
    right_ones = bool((found[: mine // 2] == np.arange(mine // 2)).all() and (found[mine // 2 :] < 0).all())
    return {
        "name": "matching/time", "seconds": seconds, "cpu_seconds": used, "threads": torch.get_num_threads(),
        "mine": mine, "others": others, "all_right": right_ones,
    }  # fmt: skip


def _drawn_out(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.asarray(Image.fromarray(image).resize((_DRAWN_OUT, _DRAWN_OUT), Image.Resampling.BICUBIC))


def _thumbnail(image: NDArray[Any]) -> NDArray[np.float32]:
    found = perceptual.thumbnail(image[None])
    assert found is not None
    return found


def _distances(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> NDArray[np.int64]:
    apart = np.unpackbits(one ^ other, axis=1).sum(1, dtype=np.int64)
    return np.minimum(apart, perceptual.BITS - apart)


def _asked(only: Sequence[str], file: str | None) -> Iterator[dict[str, Any]]:
    data = file or str(references.data_folder() / "medmnist" / "pneumoniamnist.npz")
    if "copies" in only:
        with tempfile.TemporaryDirectory() as folder:
            os.environ["VESALIUS_CACHE"] = f"{folder}/cache"
            yield copies(Path(folder) / "files", data)
    if "others" in only:
        yield pairs(data)
    if "time" in only:
        yield timed()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", help="pneumoniamnist.npz; that of VESALIUS_DATA when absent")
    parser.add_argument("--only", choices=("copies", "others", "time"), action="append")
    parser.add_argument("--numbers", action="store_true", help="one JSON object a line")
    options = parser.parse_args()
    for line in _asked(options.only or ("copies", "others", "time"), options.data):
        print(json.dumps(line) if options.numbers else "\n".join(f"{key}: {value}" for key, value in line.items()), flush=True)


if __name__ == "__main__":
    main()
