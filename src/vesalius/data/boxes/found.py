"""What the files of a format say: boxes of images, and what of them could not be used."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

NO_IMAGE = "of images that are not there"
"""Why boxes are left out whose image is not among those that are asked about."""


@dataclass
class Found:
    """Boxes as they are read, one after another; nothing is checked yet but what only the format knows.

    ``uris``: the image of each, relative to the root. ``sides``: x, y, width, height, in px from the top left, or as shares of the
    image where ``relative``. ``names``: the class of each. ``scores``: NaN where none is given. ``classes``: names of all classes, in
    the order of the format. ``sizes``: width and height of images whose files state them. ``splits``: the part that an image belongs
    to. ``images``: those that the files speak of, with or without boxes. ``lost``: what was passed over, by reason.
    """

    uris: list[str] = field(default_factory=list)
    sides: list[Sequence[float]] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    classes: list[str] = field(default_factory=list)
    relative: bool = False
    sizes: dict[str, tuple[int, int]] = field(default_factory=dict)
    splits: dict[str, str] = field(default_factory=dict)
    images: set[str] = field(default_factory=set)
    lost: dict[str, list[str]] = field(default_factory=dict)

    def add(self, uri: str, sides: Sequence[float], name: str, score: float = float("nan")) -> None:
        """A box of the image ``uri``."""
        self.uris.append(uri)
        self.sides.append(sides)
        self.names.append(name)
        self.scores.append(score)

    def lose(self, why: str, what: str, times: int = 1) -> None:
        """``what`` (a name, for the terminal alone) is left out; ``why`` follows on "boxes", as "of images that are not there"."""
        self.lost.setdefault(why, []).extend([what] * times)

    @property
    def corners(self) -> NDArray[np.float64]:
        """``(M, 4)`` the ``sides``."""
        return np.array([list(map(float, sides)) for sides in self.sides], np.float64).reshape(-1, 4)


class Images:
    """The images below a root, by name: what a format calls an image is not always its path."""

    def __init__(self, uris: Iterable[str]) -> None:
        self.uris = list(uris)
        self._known = set(self.uris)
        self._by_name: dict[str, list[str]] | None = None
        self._by_stem: dict[str, list[str]] | None = None

    def named(self, name: str, folder: str = "", hints: Sequence[str] = ()) -> str | None:
        """The image that ``name`` means: a path below ``folder`` or the root, else the one image whose path ends so.

        Of several, the one that lies in a folder of ``hints``. None where there is none, or still more than one.
        """
        name = name.replace("\\", "/").removeprefix("./")
        for path in (f"{folder}/{name}" if folder else name, name):
            if path in self._known:
                return path
        if self._by_name is None:
            self._by_name = _by(self.uris, lambda uri: uri.rpartition("/")[2])
        ends = [uri for uri in self._by_name.get(name.rpartition("/")[2], ()) if uri.endswith(f"/{name}")]
        if not ends and ("/" in name):  # a path of the machine on which it was annotated
            ends = self._by_name.get(name.rpartition("/")[2], [])
        return _one_of(ends, hints)

    def stem(self, stem: str, hints: Sequence[str] = ()) -> str | None:
        """The one image of that name without its suffix."""
        if self._by_stem is None:
            self._by_stem = _by(self.uris, lambda uri: uri.rpartition("/")[2].rpartition(".")[0])
        return _one_of(self._by_stem.get(stem, []), hints)


def _by(uris: Sequence[str], key: object) -> dict[str, list[str]]:
    assert callable(key)
    found: dict[str, list[str]] = {}
    for uri in uris:
        found.setdefault(key(uri), []).append(uri)
    return found


def _one_of(uris: Sequence[str], hints: Sequence[str]) -> str | None:
    if len(uris) > 1:
        uris = [uri for uri in uris if any(part in hints for part in uri.split("/")[:-1])]
    return uris[0] if len(uris) == 1 else None
