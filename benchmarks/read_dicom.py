"""How fast DICOM headers become a table and DICOM radiographs a store, against pydicom's own functions.

Headers: each header alone, and ``references.resolve("dicom@FOLDER")``, which lists, reads, hashes and checks; the peer is
``pydicom.dcmread(stop_before_pixels=True, specific_tags=...)`` on the same files. Both hold the interpreter while they parse, so
processor time is compared: files a second of one core. Files of 90 elements in front of their pixels, which are few.
Pixels: ``store.build`` of uncompressed CR images of 12 bits
at 256 px; the peer reads, applies modality and window as arrays, and resizes by Pillow's Lanczos, in as many threads. Also prints
where our time per image goes. The two alternate, the best of three counts.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b
from pathlib import Path

import numpy as np
import pydicom
from PIL import Image
from pydicom.pixels.processing import apply_modality_lut, apply_voi_lut
from tests.trees.dicom import radiograph
from tests.trees.pixels import radiographs

from vesalius.data import readers, store
from vesalius.data.readers.dicom_header import read_header
from vesalius.data.reducing import reduced
from vesalius.data.references import resolve
from vesalius.data.settings import StoreSettings

TAGS = [
    "PatientID", "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "Modality", "ViewPosition", "ImageLaterality", "Rows",
    "Columns", "NumberOfFrames", "PixelSpacing", "ImagerPixelSpacing", "BurnedInAnnotation",
]  # fmt: skip
SIDE = 256


Clock = Callable[[], float]


def timed(work: Callable[[], object], n: int, clock: Clock) -> float:
    """Files a second of one run."""
    begin = clock()
    work()
    return n / (clock() - begin)


def best(ours: Callable[[], object], peer: Callable[[], object], n: int, clock: Clock) -> tuple[float, float]:
    """The best of three of each, one after the other."""
    rates = [(timed(ours, n, clock), timed(peer, n, clock)) for _ in range(3)]
    return max(r[0] for r in rates), max(r[1] for r in rates)


def headers(folder: Path, count: int) -> list[dict[str, object]]:
    """Small files with full headers: the header alone, and the whole table."""
    data = radiograph(np.zeros((8, 8), np.uint16), "patient", "1.2.3")
    for number in range(60):  # what a scanner says beyond what a table needs
        data.add_new((0x0018, 0x9300 + number), "LO", f"words of no use here {number}")
    data.save_as(folder / "first", enforce_file_format=True)
    whole = (folder / "first").read_bytes()
    for number in range(count):
        place = folder / f"study{number // 500:04d}"
        place.mkdir(exist_ok=True)
        (place / f"image{number:06d}").write_bytes(whole)
    (folder / "first").unlink()
    files = sorted(path for path in folder.rglob("*") if path.is_file())

    def peer() -> object:
        read = (pydicom.dcmread(file, stop_before_pixels=True, specific_tags=TAGS) for file in files)
        return [[dataset.get(tag) for tag in TAGS] for dataset in read]

    def alone() -> None:
        for file in files:
            with file.open("rb") as stream:
                read_header(stream)

    first = best(alone, peer, count, time.process_time)
    mine, theirs = best(lambda: resolve(f"dicom@{folder}"), peer, count, time.process_time)
    what = f"{count:,} files of 100 elements"
    return [
        said("header alone", *first, f"{what}; each opened and its header read; peer: dcmread(specific_tags); processor time"),
        said("headers", mine, theirs, f"{what}; table with ids and hashes; peer: dcmread(specific_tags) alone; processor time"),
    ]


def decoding(folder: Path, count: int, side: int, threads: int) -> dict[str, object]:
    """Radiographs of ``side`` pixels into a store."""
    for number, pixels in enumerate(radiographs(count, side, deep=True)):
        radiograph(pixels, f"patient{number}", f"1.2.{number}", inverted=bool(number % 2)).save_as(folder / f"{number}.dcm", enforce_file_format=True)
    table, files, tries = resolve(f"dicom@{folder}"), sorted(folder.glob("*.dcm")), iter(range(100))

    def one(file: Path) -> np.ndarray:
        dataset = pydicom.dcmread(file)
        shown = apply_voi_lut(apply_modality_lut(dataset.pixel_array, dataset), dataset)
        shown = shown.max() - shown if dataset.PhotometricInterpretation == "MONOCHROME1" else shown
        small = Image.fromarray(shown.astype(np.float32)).resize((SIDE, SIDE), Image.Resampling.LANCZOS, reducing_gap=3.0)
        return np.asarray(small).astype(np.uint16)

    def peer() -> object:
        with ThreadPoolExecutor(threads) as pool:
            return list(pool.map(one, files))

    def ours() -> object:
        return store.build(table, StoreSettings(SIDE, 1), cache=folder / f"cache{next(tries)}", threads=threads)

    mine, theirs = best(ours, peer, count, time.perf_counter)
    return said("store", mine, theirs, f"{count} uncompressed CR images of {side} px, 12 bits, to {SIDE} px, {threads} threads; {shares(files[0])}")


def shares(file: Path) -> str:
    """Where the time of one image goes, on one thread."""
    data = file.read_bytes()
    steps = {
        "reading": lambda: file.read_bytes(),
        "digest": lambda: blake2b(data, digest_size=16).digest(),
        "header and values": lambda: readers.read(data),
        "resizing": lambda: reduced(decoded, None, StoreSettings(SIDE, 1)),
    }
    decoded = readers.read(data)
    spent = {name: min(_seconds(step) for _ in range(5)) for name, step in steps.items()}
    return ", ".join(f"{name} {seconds / sum(spent.values()):.0%}" for name, seconds in spent.items())


def _seconds(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def said(name: str, ours: float, peer: float, setting: str) -> dict[str, object]:
    """One line of a benchmark."""
    return {"name": f"read_dicom/{name}", "ours": round(ours), "peer": round(peer), "ratio": round(ours / peer, 2), "unit": "files/s", "setting": setting}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--images", type=int, default=60)
    parser.add_argument("--side", type=int, default=2000)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        os.environ["VESALIUS_CACHE"] = f"{name}/cache"
        for part in ("headers", "pixels"):
            (Path(name) / part).mkdir()
        for line in headers(Path(name) / "headers", options.files):
            print(json.dumps(line))
        print(json.dumps(decoding(Path(name) / "pixels", options.images, options.side, options.threads)))


if __name__ == "__main__":
    main()
