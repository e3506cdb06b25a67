"""Whether object diversity finds the rare cells: 50 of the 364 images of BCCD, by the diversity of their cells, of whole images, and at random.

SimCLR learns from cells cut out by ``crops@FOLDER`` (training images, no labels). Counted among 50 selected of all 364 images: white cells and
platelets, and the distance from any cell to the nearest cell in a selected image. A probe (C = 0.1 for all) learns cell types from the cells of 50
images selected among those of the training and validation lists, and is tested on the cells of the 72 images of the test list, of which no
selection holds any; intervals of 95 % draw whole images. ``--small``: to see that it runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from benchmarks import _selection as shared

from vesalius.measures import selection_probe, selection_quality
from vesalius.measures.selection_probe import HeldOut
from vesalius.select.candidates import Objects

SELECTED = 50
RANDOM = "random"


def main() -> None:
    """A line on what is among the selected, and one on the probe."""
    asked = shared.given()
    images = shared.cells(asked)
    encoder = shared.ssl(asked, images, "cells")
    of_cells = shared.embedded(asked, encoder, images.pixels, images.side, "cells-by-ssl")
    of_images = shared.embedded(asked, encoder, whole(asked, images), 4 * images.side, "fields-by-ssl")
    count = len(images.files)
    n = min(SELECTED, count // 4)
    about = f"{count} images, {len(images.labels):,} cells; encoder of {shared.epochs(asked, images):g} epochs"
    line = {"setting": about, "level": asked.level.name, "selected": n}
    counts = shared.kept(asked.folder / "bccd-counts.json", lambda: counted(asked, images, of_cells, of_images, n))
    shared.show({"name": "selection on BCCD, counts", **line, "ways": counts})
    probed = shared.kept(asked.folder / "bccd-probe.json", lambda: judged(asked, images, of_cells, of_images, n))
    shared.show({"name": "selection on BCCD, cell types", **line, **probed})


def whole(asked: shared.Given, images: shared.Images) -> np.ndarray:
    """The images themselves (N, 160, 160, 3), in the order of ``owner``: three times as many pixels wide as a cell has of them in its own picture."""
    from PIL import Image

    side, found = 4 * images.side, []
    for stem in images.files:
        with Image.open(asked.bccd / "JPEGImages" / f"{stem}.jpg") as picture:
            found.append(np.asarray(picture.convert("RGB").resize((side, side), Image.Resampling.BILINEAR)))
    return np.stack(found)


def chosen(images: np.ndarray, cells: np.ndarray, owner: np.ndarray, n: int) -> dict[str, np.ndarray]:
    """Rows of images by both ways."""
    return {
        "object diversity": shared.by_diversity(len(images), None, Objects(cells, owner), n),
        "image diversity": shared.by_diversity(len(images), images, None, n),
    }


def counted(asked: shared.Given, images: shared.Images, of_cells: np.ndarray, of_images: np.ndarray, n: int) -> dict[str, Any]:
    """What is among ``n`` selected of all images, by each way; of random ones mean, least and greatest."""
    shared.said("counts")
    found = {way: among(images, of_cells, rows) for way, rows in chosen(of_images, of_cells, images.owner, n).items()}
    drawn = [among(images, of_cells, rows) for rows in selection_quality.at_random(np.arange(len(of_images)), n, asked.level.seeds, seed=7)]
    beside = {}
    for key in drawn[0]:
        values = [one[key] for one in drawn]
        beside |= {key: float(np.mean(values)), f"{key}, least": min(values), f"{key}, greatest": max(values)}
    return {**found, RANDOM: beside}


def among(images: shared.Images, of_cells: np.ndarray, rows: np.ndarray) -> dict[str, float]:
    """Cells of each type in the images ``rows``, and how far any cell is from theirs."""
    inside = np.flatnonzero(np.isin(images.owner, rows))
    kinds = {name: int((images.labels[inside] == number).sum()) for number, name in enumerate(images.classes)}
    return {**kinds, "object cover radius": float(selection_quality.nearest(of_cells, inside)[1].max())}


def judged(asked: shared.Given, images: shared.Images, of_cells: np.ndarray, of_images: np.ndarray, n: int) -> Mapping[str, Any]:
    """The probe on each selection of images outside the test list, beside random ones."""
    shared.said("probes")
    test = images.of("test")
    held = HeldOut.of(torch.from_numpy(of_cells[test]), torch.from_numpy(images.labels[test]), images.owner[test])
    rest = np.setdiff1d(np.arange(len(of_images)), np.unique(images.owner[test]))
    inside = np.flatnonzero(np.isin(images.owner, rest))
    place = np.full(len(of_images), -1)
    place[rest] = np.arange(len(rest))
    ways = chosen(of_images[rest], of_cells[inside], place[images.owner[inside]], n)

    def labelled(rows: np.ndarray) -> np.ndarray:
        """The cells of these of the rest."""
        return inside[np.isin(images.owner[inside], rest[rows])]

    others = [labelled(rows) for rows in selection_quality.at_random(np.arange(len(rest)), n, asked.level.seeds, seed=8)]
    known = torch.from_numpy(of_cells), torch.from_numpy(images.labels)
    found = {}
    for way, rows in ways.items():
        mine = labelled(rows)
        rows_of = selection_probe.judged(*known, mine, others, held, "classes", len(images.classes), replicates=asked.level.replicates)
        found[way] = {"cells": len(mine), **{one.metric: {k: v for k, v in one.as_dict().items() if k not in ("metric", "labels")} for one in rows_of}}
    return {"pool": len(rest), "tested": {"images": int(held.unit.max()) + 1, "cells": len(test)}, "probes": found}


if __name__ == "__main__":
    main()
