"""Objects as samples: a table of images and boxes in them become a table of crops, cut out when their pixels are stored.

A crop's ``parent`` is its image; what is known of the image (whose it is, its split, its metadata) is known of the crop. Where nobody
is known, the image is the crop's subject, so that crops of one image never lie on both sides of a split.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vesalius.data import identity
from vesalius.data.boxes.found import NO_IMAGE, Found
from vesalius.data.boxes.sizes import sizes_of
from vesalius.data.table import SampleTable
from vesalius.data.task import classification
from vesalius.errors import UserError
from vesalius.measures import boxes as geometry

BY_IMAGE = (
    "No subject is known for these images: crops of one image stay together in every split, but several images of one person"
    " may not. Name a subject rule to divide by person."
)
_KEPT = ("subject", "study", "series", "view", "laterality", "split", "spacing")
_NAMED = 5


@dataclass
class _Lost:
    """What was left out or changed, by reason; names for the terminal alone."""

    names: dict[str, list[str]] = field(default_factory=dict)

    def add(self, why: str, names: Sequence[str]) -> None:
        if names:
            self.names.setdefault(why, []).extend(names)

    def told(self, total: int) -> tuple[list[str], list[str]]:
        """Sentences without names, and with them."""
        count = sum(map(len, self.names.values()))
        if not count:
            return [], []
        each = ", ".join(f"{len(names):,} {why}" for why, names in self.names.items())
        said = f"{count:,} of {total:,} boxes {'were' if count > 1 else 'was'} left out: {each}."
        asides = []
        for why, names in self.names.items():
            several = list(dict.fromkeys(names))
            asides.append(f"Boxes {why}: {', '.join(several[:_NAMED])}{' ...' * (len(several) > _NAMED)}")
        return [said], asides


def crops(images: SampleTable, found: Found, *, padding: float = 0.0, least: int = 1, source: str = "crops") -> SampleTable:
    """The objects of ``images`` that ``found`` names, in the order of images and then of boxes, with the label ``class``.

    ``padding``: so much of a box's width and height is added to these, half on either side, cut to the image. ``least``: boxes whose
    shorter side has fewer px are left out. Boxes without an area, outside their image, of images that are not there and repeated
    ones are left out too, counted in ``warnings`` and named in ``asides``. Raises UserError for values out of range, and where no box is left.
    """
    if not 0 <= padding < np.inf:
        raise UserError(f"The padding is {padding:g}; it is the share of a box's sides that is added to them, 0 or more, as 0.2.")
    if least < 1:
        raise UserError(f"The least size of a box is {least}; it is a number of pixels, at least 1.")
    lost = _Lost({why: list(names) for why, names in found.lost.items()})
    total = len(found.uris) + sum(map(len, found.lost.values()))
    owner, keep = _rows(images, found, lost)
    sizes = sizes_of(images.subset(np.unique(owner)), found.sizes) if len(owner) else np.empty((0, 2), np.int64)
    size = sizes[np.searchsorted(np.unique(owner), owner)]
    sides = found.corners[keep] * (np.tile(size, 2) if found.relative else 1)
    good = _usable(sides, size, least, lost, [found.uris[at] for at in keep.tolist()])
    keep, owner, size, sides = keep[good], owner[good], size[good], sides[good]
    cut = geometry.padded(sides, size, padding)
    names = np.array([found.names[at] for at in keep.tolist()], dtype=np.str_)
    order = np.lexsort((np.arange(len(owner)), owner))
    frame = pd.DataFrame({"owner": owner, "box": list(map(tuple, cut.tolist())), "name": names, "at": keep}).iloc[order]
    again = frame.duplicated(["owner", "box"]).to_numpy()
    lost.add("that repeat another", [found.uris[at] for at in frame["at"].to_numpy()[again].tolist()])
    frame = frame[~again]
    if not len(frame):
        said, asides = lost.told(total)
        raise UserError(" ".join(["No box is left to cut out.", *said, *asides, "Look at the boxes, and at the folder they are meant for."]))
    warnings, asides = lost.told(total)
    beyond = int((~geometry.inside(sides, size)).sum())
    if beyond:
        warnings.append(f"{beyond:,} boxes reach beyond their image and were cut to it.")
    rows = frame["owner"].to_numpy(np.int64)
    columns: dict[str, Any] = {}
    classes = {"class": found.classes}
    if found.classes:
        number = {name: float(at) for at, name in enumerate(found.classes)}
        columns["label.class"] = [number[name] for name in frame["name"]]
    scores = np.array(found.scores)[frame["at"].to_numpy()]
    if not np.isnan(scores).all():
        columns["score.box"] = scores
    if "split" not in images.frame and found.splits:
        columns["split"] = [found.splits.get(uri) for uri in images.frame["uri"].iloc[rows]]
    table = _of(images, rows, frame["box"].tolist(), columns, source, warnings, asides)
    table.class_names = classes if found.classes else {}
    table.task = classification("class", "class", found.classes) if len(found.classes) > 1 else None
    return table


def tiles(images: SampleTable, rows: int, columns: int, *, overlap: float = 0.0) -> SampleTable:
    """A grid of ``rows`` x ``columns`` tiles of each image, of which neighbours share ``overlap`` of a tile's side.

    ``meta.tile`` numbers them from 0, row by row. Images whose size cannot be read are left out and counted. Raises UserError for
    values out of range.
    """
    if rows < 1 or columns < 1 or rows * columns > 10_000:
        raise UserError(f"A grid of {rows} x {columns} tiles is asked for. Give rows and columns of at least 1, and 10,000 tiles at most.")
    if not 0 <= overlap < 1:
        raise UserError(f"The overlap of tiles is {overlap:g}; it is a share of a tile's side, from 0 to below 1, as 0.2.")
    sizes = sizes_of(images)
    grids = {(wide, high): geometry.tiles(wide, high, rows, columns, overlap).tolist() for wide, high in dict.fromkeys(map(tuple, sizes.tolist()))}
    owner: list[int] = []
    boxes: list[tuple[int, ...]] = []
    number: list[int] = []
    unread: list[str] = []
    for row, (wide, high) in enumerate(sizes.tolist()):
        grid = grids[wide, high]
        if not grid:
            unread.append(str(images.frame["uri"].iloc[row]))
        owner += [row] * len(grid)
        boxes += map(tuple, grid)
        number += range(len(grid))
    warnings, asides = [], []
    if unread:
        warnings.append(f"{len(unread):,} of {len(images):,} images could not be read and have no tiles.")
        asides.append(f"Not read: {', '.join(unread[:_NAMED])}{' ...' * (len(unread) > _NAMED)}")
    if not boxes:
        raise UserError(f"No image of {images.source} can be read, so there are no tiles. Look at the files: `vesalius data check` names what is wrong.")
    return _of(images, np.array(owner, np.int64), boxes, {"meta.tile": number}, "tiles", warnings, asides)


def owners(parts: SampleTable, images: SampleTable) -> NDArray[np.int64]:
    """``(M,)`` the row of ``images`` that each crop or tile was cut from. Raises UserError where one is of another image."""
    order = np.argsort(images.ids)
    parents = parts.frame["parent"].to_numpy(np.uint64)
    place = np.minimum(np.searchsorted(images.ids, parents, sorter=order), len(order) - 1)
    found = order[place]
    if not np.array_equal(images.ids[found], parents):
        raise UserError(f"Some crops of {parts.source} are of images that are not among those of {images.source}. Give the images that they were cut from.")
    return np.asarray(found, np.int64)


def counted(parts: SampleTable, images: SampleTable) -> NDArray[np.int64]:
    """``(N, C)`` how many objects of each class every image of ``images`` holds, in the order of the crops' ``class_names["class"]``."""
    count = np.zeros((len(images), len(parts.class_names["class"])), np.int64)
    np.add.at(count, (owners(parts, images), parts.labels("class").astype(np.int64)), 1)
    return count


def _rows(images: SampleTable, found: Found, lost: _Lost) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The row of each box's image, and which boxes have one."""
    at: dict[str, int] = {}
    for row, uri in enumerate(images.frame["uri"].tolist()):
        at.setdefault(uri, row)  # of an image of several frames the first
    rows = [at.get(uri, -1) for uri in found.uris]
    lost.add(NO_IMAGE, [uri for uri, row in zip(found.uris, rows, strict=True) if row < 0])
    keep = np.flatnonzero(np.array(rows, np.int64) >= 0)
    return np.array(rows, np.int64)[keep], keep


def _usable(sides: NDArray[np.float64], sizes: NDArray[np.int64], least: int, lost: _Lost, uris: Sequence[str]) -> NDArray[np.int64]:
    """Which boxes can be cut out."""
    left = np.ones(len(sides), bool)
    whole = geometry.padded(np.nan_to_num(sides, posinf=0, neginf=0), sizes)
    reasons = (
        ("of images that cannot be read", (sizes <= 0).any(1)),
        ("without four numbers", ~np.isfinite(sides).all(1)),
        ("without an area", (sides[:, 2:] <= 0).any(1)),
        ("outside their image", (whole[:, 2:] < 1).any(1)),
        (f"smaller than {least} px", whole[:, 2:].min(1, initial=np.iinfo(np.int64).max) < least),
    )
    for why, bad in reasons:
        lost.add(why, [uris[at] for at in np.flatnonzero(left & bad).tolist()])
        left &= ~bad
    return np.flatnonzero(left)


def _of(
    images: SampleTable, rows: NDArray[np.int64], boxes: list[Any], columns: dict[str, Any], source: str, warnings: list[str], asides: list[str]
) -> SampleTable:
    """The table of ``boxes`` in the images of ``rows``, with what is known of these."""
    of_image = images.frame.iloc[rows].reset_index(drop=True)
    parents = [f"{number:016x}" for number in of_image["id"].tolist()]
    inherited = {name: of_image[name] for name in of_image.columns if (name in _KEPT or name.startswith("meta.")) and name not in columns}
    known = of_image["subject"] if "subject" in of_image else pd.Series([None] * len(rows), dtype=object)
    if known.isna().any():
        warnings = [*warnings, BY_IMAGE]
    sides = np.array(boxes, np.int64).reshape(-1, 4)
    frame = pd.DataFrame(
        {
            "id": identity.sample_ids(source, parents, None, boxes),  # the image's id is keyed already
            "uri": of_image["uri"],
            "frame": of_image["frame"],
            "box": pd.Series(boxes, dtype=object),
            "parent": of_image["id"].astype("UInt64"),
            **inherited,
            "subject": known.where(known.notna(), pd.Series(parents, dtype=object)),
            "width": sides[:, 2],
            "height": sides[:, 3],
            **columns,
        }
    )
    kept = [said for said in images.warnings if "passed over" not in said]  # annotations lie beside the images
    return SampleTable(
        frame, source, images.root, warnings=[*kept, *warnings], container=images.container, licence=images.licence,
        split_by="source" if "split" in frame else "", private=images.private, missing=images.missing, asides=(*images.asides, *asides),
    )  # fmt: skip
