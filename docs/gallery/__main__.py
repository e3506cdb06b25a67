"""``make gallery``: the pictures of ``docs/gallery.md`` and the page.

    python -m docs.gallery [FOLDER] [--data NPZ] [--only NAME ...] [--small] [--threads 2] [--pictures FOLDER]

Everything is kept in FOLDER (``build/gallery``), so that the same command goes on where it was stopped: an encoder that is trained and an
evaluation that is done are not made again. ``--small`` is a try-out in minutes on a crowded machine: its encoders have hardly learnt anything and
nothing is written below ``docs`` unless ``--pictures`` says where. Prints a JSON line for each picture.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path

from docs.gallery.page import PICTURES, page
from docs.gallery.runs import Gallery
from docs.gallery.shown import encoders
from tests.report.chromium import find

ROOT = Path(__file__).resolve().parents[2]


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m docs.gallery", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", default=ROOT / "build" / "gallery")
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("PROVE_DATA", ".")) / "pneumoniamnist.npz")
    parser.add_argument("--only", nargs="*", choices=[one.name for one in PICTURES])
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--pictures", type=Path)
    given = parser.parse_args()
    if not given.data.is_file():
        raise SystemExit(f"There is no {given.data}. Say with --data where PneumoniaMNIST's pneumoniamnist.npz lies, or with PROVE_DATA in which folder.")
    if find() is None:
        raise SystemExit("missing tool: chromium. Install it (on Debian: apt-get install chromium) and run this again.")
    began = time.perf_counter()
    gallery = Gallery(given.folder.resolve(), given.data.resolve(), given.threads, given.small)
    place: Path = given.pictures or (gallery.folder / "pictures" if given.small else ROOT / "docs" / "pictures")
    place.mkdir(parents=True, exist_ok=True)
    gallery.prepare()
    for one in PICTURES:
        if given.only is not None and one.name not in given.only:
            continue
        start = time.perf_counter()
        if one.run:
            gallery.evaluate(one.run)
        data = one.made(gallery)
        (place / one.file).write_bytes(data)
        row = {"name": one.name, "file": one.file, "kilobytes": round(len(data) / 1000), "seconds": round(time.perf_counter() - start, 1)}
        print(json.dumps({**row, "run": one.run}), flush=True)
    if not given.small:
        (ROOT / "docs" / "gallery.md").write_text(page({file.name for file in place.iterdir()}))
    said = {"seconds": round(time.perf_counter() - began, 1), "runs": gallery.seconds, "encoders": encoders(gallery), "small": given.small}
    print(json.dumps({"name": "the gallery", **said}))


if __name__ == "__main__":
    main()
