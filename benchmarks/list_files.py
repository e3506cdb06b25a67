"""How fast a folder of files becomes a table with ids, against torchvision's listing of the same folder.

Ours: ``references.resolve(FOLDER)``, which lists, hashes an id for every file, reads labels off the sub-folders and
checks the table. The peer: ``torchvision.datasets.folder.find_classes`` and ``make_dataset`` (what ``ImageFolder``
does), which only lists. 200,000 empty files in 100 folders; the two alternate, the best of three counts.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from torchvision.datasets.folder import IMG_EXTENSIONS, find_classes, make_dataset

from vesalius.data.listing import list_images
from vesalius.data.references import resolve


def timed(work: Callable[[], object], n: int) -> float:
    """Files a second of one run."""
    begin = time.perf_counter()
    work()
    return n / (time.perf_counter() - begin)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--files", type=int, default=200_000)
    parser.add_argument("--folders", type=int, default=100)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        os.environ["VESALIUS_CACHE"] = f"{name}/cache"
        root = Path(name) / "images"
        for folder in range(options.folders):
            (root / f"class_{folder:03d}").mkdir(parents=True)
            for i in range(options.files // options.folders):
                os.close(os.open(root / f"class_{folder:03d}" / f"image_{i:07d}.png", os.O_CREAT))
        n = options.files // options.folders * options.folders

        def peer() -> object:
            _, classes = find_classes(root)
            return make_dataset(str(root), classes, extensions=IMG_EXTENSIONS)

        peer()
        rates: dict[str, list[float]] = {"table": [], "listing": [], "peer": []}
        for _ in range(3):
            rates["table"].append(timed(lambda: resolve(root), n))
            rates["listing"].append(timed(lambda: list_images(root), n))
            rates["peer"].append(timed(peer, n))
        best = {key: max(values) for key, values in rates.items()}
    for key, setting in (("table", "table with ids, labels and checks"), ("listing", "the listing alone")):
        line = {
            "name": f"list_files/{key}",
            "ours": round(best[key]),
            "peer": round(best["peer"]),
            "ratio": round(best[key] / best["peer"], 2),
            "unit": "files/s",
            "setting": f"{n} empty files in {options.folders} folders; {setting}; peer: torchvision make_dataset",
        }
        print(json.dumps(line))


if __name__ == "__main__":
    main()
