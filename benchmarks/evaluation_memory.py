"""What a pass over the images holds in memory, by how many there are: features and maps of a narrow ResNet-18 at 64 px, everything else on disk.

Each number of images is a process of its own. Counted is memory of the process's own (``RssAnon``): pages of files that are mapped (the store,
the cache) are the system's to drop. Vectors that a protocol works on are in memory, half a KB an image; images and maps must not be.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
from dataclasses import replace
from pathlib import Path

from benchmarks.feature_cache import begun, images

SIDE, MAP = 64, 128 * 2 * 2 * 2
"""Bytes of a map: 128 channels, 2 by 2, in half precision."""


def anonymous() -> int:
    """Bytes of this process that no file stands behind."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("RssAnon"))
    return int(line.split()[1]) * 1024


class Peak:
    """The most anonymous memory between ``with`` and its end, above what there was."""

    def __enter__(self) -> Peak:
        self.before, self.most, self._end = anonymous(), 0, threading.Event()
        self._watch = threading.Thread(target=self._look)
        self._watch.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._watch.join()

    def _look(self) -> None:
        while not self._end.wait(0.005):
            self.most = max(self.most, anonymous() - self.before)


def measure(count: int) -> dict[str, float]:
    """Bytes held by a pass over ``count`` images for vectors and one for maps."""
    from vesalius.encoders import build_encoder, save_encoder

    with tempfile.TemporaryDirectory() as folder:
        os.environ["VESALIUS_CACHE"] = f"{folder}/cache"
        save_encoder(build_encoder("resnet18", width=0.25, size=(SIDE, SIDE)).eval(), Path(folder) / "encoder")
        pair = begun(Path(folder) / "encoder", images(Path(folder) / "images", count, SIDE), Path(folder))
        pair.asked = replace(pair.asked, batch_size=32)  # what a batch takes is the same for any number of images
        with Peak() as held:  # of both: what one gives back, the next may take
            vectors = pair.features("train")
            pair.maps("train")
        return {"images": len(vectors), "held": held.most, "vectors": vectors.nbytes}


def main() -> None:
    """Measure two numbers of images and print a line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--images", type=int, nargs=2, default=(2000, 16000))
    parser.add_argument("--one", type=int)
    asked = parser.parse_args()
    if asked.one:
        print(json.dumps(measure(asked.one)))
        return
    few, many = (
        json.loads(subprocess.run([sys.executable, "-m", "benchmarks.evaluation_memory", "--one", str(n)], check=True, capture_output=True, text=True).stdout)
        for n in asked.images
    )
    grown = (many["held"] - few["held"]) / (many["images"] - few["images"])
    vector, whole = many["vectors"] / many["images"], 3 * SIDE * SIDE + MAP
    setting = f"{few['images']:,} and {many['images']:,} images of {SIDE} px; an image more, its vector of {vector:,.0f} bytes in it; peer: its pixels and map"
    line = {"name": "memory of a pass that is kept on disk, an image more", "unit": "bytes"}
    most, ours = f"at most {many['held'] / 2**20:,.0f} MiB at once", max(1.0, grown)
    print(json.dumps({**line, "setting": f"{setting}; {most}", "ours": round(ours), "peer": whole, "ratio": round(whole / ours, 1)}))


if __name__ == "__main__":
    main()
