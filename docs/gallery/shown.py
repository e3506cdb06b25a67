"""The gallery's pictures: each made of what one run left, or of images and code alone."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from docs.gallery.material import SOURCES, pictures
from docs.gallery.runs import COMMANDS, Gallery
from numpy.typing import NDArray

from vesalius.figures import grid

TILE, MOST = 128, 300_000
BAR = "from each map's least (0) to its most (1); below the pictures: attentive diffusion"
Bar = tuple[float, float, str, str] | None
ROW_OF_TRANSFORMS = 9
"""Tiles beside each other: three transforms at three strengths."""


@dataclass(frozen=True)
class Picture:
    """``gallery-NAME.png``: ``made`` of the gallery and, where it takes one, of ``run``; ``sources`` of its images; ``text``: what is seen."""

    name: str
    title: str
    text: str
    sources: Sequence[str]
    made: Callable[[Gallery], bytes]
    run: str = ""

    @property
    def file(self) -> str:
        """In ``docs/pictures``."""
        return f"gallery-{self.name}.png"


def results(gallery: Gallery, run: str) -> dict[str, Any]:
    """What a run found."""
    found: dict[str, Any] = json.loads((gallery.run(run) / "results.json").read_text())
    return found


def encoders(gallery: Gallery) -> list[str]:
    """Every encoder whose pictures there are, in the order of the runs."""
    done = [run for run in COMMANDS if (gallery.run(run) / "results.json").exists()]
    return list(dict.fromkeys(row["name"] for run in done for row in results(gallery, run)["encoders"]))


def opened(file: Path) -> NDArray[np.uint8]:
    """A picture of a run."""
    from PIL import Image

    return np.asarray(Image.open(file).convert("RGB"))


def quantised(data: bytes) -> bytes:
    """A PNG in a palette of its own, hardly to be told from the first: of as many colours, and dithered, as ``MOST`` bytes allow."""
    tries = (_quantised(data, colours, dithered) for colours, dithered in ((256, True), (128, True), (256, False), (64, False)))
    found = b""
    for found in tries:
        if len(found) <= MOST:
            break
    return found


def _quantised(data: bytes, colours: int, dithered: bool) -> bytes:
    from PIL import Image

    whole, buffer = Image.open(BytesIO(data)).convert("RGB"), BytesIO()
    palette = whole.quantize(colours - 1, kmeans=2)
    made = whole.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG) if dithered else palette
    numbers = np.where((np.asarray(whole) == 255).all(-1), colours - 1, np.asarray(made)).astype(np.uint8)  # the ground stays white
    found = Image.fromarray(numbers, "P")
    held = (made.getpalette() or [])[: 3 * (colours - 1)]
    found.putpalette([*held, *[0] * (3 * (colours - 1) - len(held)), 255, 255, 255])
    found.save(buffer, "png", optimize=True)
    return buffer.getvalue()


def saliency(gallery: Gallery, run: str) -> bytes:
    """Images by encoders: the map over each, its attentive diffusion below."""
    return _side_by_side(gallery, run, "saliency", ("image", "overlay"), lambda row: f"{row['diffusion']:.0f} %", (0.0, 1.0, "viridis", BAR))


def reconstructions(gallery: Gallery) -> bytes:
    """Images by encoders: what was found again, its feature error below."""
    return _side_by_side(gallery, "reconstruction", "reconstruction", ("original", "image"), lambda row: f"error {row['feature_error']:.2f}")


def _side_by_side(gallery: Gallery, run: str, protocol: str, files: tuple[str, str], said: Callable[[Mapping[str, Any]], str], bar: Bar = None) -> bytes:
    rows = results(gallery, run)[protocol]["pictures"]
    names = list(dict.fromkeys(row["encoder"] for row in rows))
    tiles, titles, captions = [], [], []
    for image in dict.fromkeys((row["data"], row["id"]) for row in rows):
        each = {row["encoder"]: row for row in rows if (row["data"], row["id"]) == image}
        first = next(row for row in each.values() if row.get(files[0]))
        tiles.append([opened(gallery.run(run) / first[files[0]]), *(opened(gallery.run(run) / each[name][files[1]]) for name in names)])
        titles.append(SOURCES[image[0]].title)
        captions.append(["", *(said(each[name]) for name in names)])
    return quantised(grid(tiles, titles, ["image", *names], captions=captions, bar=bar, tile=TILE))


def strips(gallery: Gallery) -> bytes:
    """The filmstrip of each image by the first encoder, below each other."""
    rows = results(gallery, "reconstruction")["reconstruction"]["pictures"]
    first = [row for row in rows if row["encoder"] == rows[0]["encoder"]]
    each = [opened(gallery.run("reconstruction") / row["strip"]) for row in first]
    return quantised(grid([[one] for one in each], [SOURCES[row["data"]].title for row in first], tile=max(one.shape[1] for one in each)))


def table_of_invariances(gallery: Gallery) -> bytes:
    """The heat map that the evaluation drew."""
    return (gallery.run("compared") / results(gallery, "compared")["invariance"]["picture"]).read_bytes()


def reported(gallery: Gallery, run: str, part: str) -> bytes:
    """What of the run's report, written anew, the selector ``part`` finds first, as a browser shows it."""
    import tempfile

    from tests.report.chromium import Chromium

    from vesalius.report import build

    with tempfile.TemporaryDirectory() as folder, Chromium() as browser:
        place = Path(folder) / "section.png"
        browser.open(build([gallery.run(run)], Path(folder) / "report.html"), 1280)
        browser.picture(place, part, pad=20)
        return _quantised(place.read_bytes(), 64, dithered=False)


def transforms(gallery: Gallery) -> bytes:
    """The eighteen transforms on the histology, weakly, in the middle and strongly."""
    import torch

    from vesalius.evaluate.transformed.applying import applied
    from vesalius.evaluate.transformed.transforms import TRANSFORMS

    image = pictures(gallery.data)["histology"][0][128:384, 128:384]
    x = torch.from_numpy(image).permute(2, 0, 1)[None].float() / 255
    switches, graded = [(image, "as it is")], []
    for one in TRANSFORMS.values():
        settings = one.parameters(count=3)
        views = (applied(x, one, settings)[0].clamp(0, 1) * 255).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
        tiles = [(view, f"{one.title}\n{one.said(setting)}" if len(settings) > 1 else one.title) for view, setting in zip(views, settings)]
        (graded if len(settings) > 1 else switches).append(tiles if len(settings) > 1 else tiles[0])
    every = [*switches, *(tile for tiles in graded for tile in tiles)]
    rows = [every[at : at + ROW_OF_TRANSFORMS] for at in range(0, len(every), ROW_OF_TRANSFORMS)]
    return quantised(grid([[view for view, _ in row] for row in rows], captions=[[said for _, said in row] for row in rows], tile=96))
