"""A finished selection of small images, for the tests of what is handed over."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from vesalius.data.table import SampleTable
from vesalius.select.candidates import Candidates
from vesalius.select.picks import Picks
from vesalius.select.pool import names_of
from vesalius.select.selected import Selected

NAMES = ("a/eins.png", "a/zwei & drei.png", "b/four's.jpg", "b/vier__x.png", "b/é ü.png", "last.png")


def images(root: Path, names: tuple[str, ...] = NAMES) -> Path:
    """Pictures of 12 x 8 pixels, each in a grey of its own."""
    for number, name in enumerate(names):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((8, 12, 3), 20 * number, np.uint8)).save(root / name)
    return root


def selected(table: SampleTable, rows: tuple[int, ...] = (4, 0, 2), labelled: bool = True, chosen: tuple[int, ...] = ()) -> Selected:
    """``rows`` of the table, sorted by name, are selected in this order."""
    names = names_of(table)
    order = np.argsort(names)
    table = table.subset(order)
    names = names[order]
    vectors = np.random.default_rng(1).normal(size=(len(names), 4)).astype(np.float32)
    candidates = Candidates(names, vectors, chosen=np.asarray(chosen, np.int64), frame=table.frame, root=table.root)
    n = len(rows)
    picks = Picks(
        np.asarray(rows), np.linspace(2, 1, n), np.asarray([-1, *rows[: n - 1]]), np.asarray([np.nan, *np.linspace(1, 0.5, n - 1)]),
        [{"diversity": {"distance_to_mean": 0.5}} for _ in rows],
    )  # fmt: skip
    labels = {"kind": np.asarray([0, 1, np.nan, 1, 0, 1][: len(names)]), "age": np.linspace(20, 80, len(names))} if labelled else {}
    place = np.random.default_rng(2).normal(size=(len(names), 2)).astype(np.float32)
    return Selected("my selection", candidates, picks, labels, {"kind": ["good <&>", "bad"]} if labelled else {}, place, "tiny", table)


def of_folder(root: Path, names: tuple[str, ...] = NAMES, **rest: object) -> Selected:
    """The images of a folder."""
    return selected(SampleTable.of("folder", images(root, names), sorted(names)), **rest)  # type: ignore[arg-type]
