"""YOLO's text files: ``images/.../NAME.jpg`` with ``labels/.../NAME.txt``, or the two side by side; names of classes in ``data.yaml``,
``classes.txt`` or ``obj.names``.

A line is ``class x y width height`` (of the centre, as shares of the image), with a sixth number the score, with more the corners of a polygon.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import yaml

from vesalius.data.boxes.found import NO_IMAGE, Found, Images
from vesalius.data.schema import SPLIT_WORDS
from vesalius.errors import UserError

_NAMES = ("data.yaml", "data.yml", "dataset.yaml", "dataset.yml")
_LISTS = ("classes.txt", "obj.names", "labels/classes.txt")
_FEW = 200


def tasks(root: Path, images: Images) -> list[str]:
    """``yolo`` where names of classes lie in the folder, or one of the first images has a text file in a folder ``labels``."""
    if not any((root / name).is_file() for name in (*_NAMES, *_LISTS)):
        beside = (_beside(uri) for uri in images.uris[:_FEW])
        return ["yolo"] if any(uri != _same(image) and (root / uri).is_file() for image, uri in zip(images.uris, beside)) else []
    return ["yolo"] if any(_label_file(root, uri) for uri in images.uris[:_FEW]) else []


def read(root: Path, task: str, images: Images) -> Found:
    """Every line of every image's text file. Raises UserError for names of classes that are none."""
    names = _class_names(root)
    found = Found(relative=True, classes=list(names.values()))
    unnamed: set[str] = set()
    for uri in images.uris:
        split = next((SPLIT_WORDS[part.lower()] for part in uri.split("/")[:-1] if part.lower() in SPLIT_WORDS), None)
        if split is not None:
            found.splits[uri] = split
        if (file := _label_file(root, uri)) is None:
            continue
        found.images.add(uri)
        for number, line in enumerate(file.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
            if not (words := line.split()):
                continue
            where = f"{uri} (line {number})"
            try:
                kind, values = int(float(words[0])), [float(word) for word in words[1:]]
            except (ValueError, OverflowError):
                found.lose("that are no numbers", where)
                continue
            sides = _sides(values)
            if sides is None:
                found.lose("without four numbers", where)
            elif names and kind not in names:
                found.lose("of an unknown class", f"{where}, class {kind}")
            else:
                if not names:
                    unnamed.add(str(kind))
                found.add(uri, sides, names.get(kind, str(kind)), values[4] if len(values) == 5 else float("nan"))
    found.classes = found.classes or sorted(unnamed, key=int)
    _orphans(root, images, found)
    return found


def _sides(values: list[float]) -> tuple[float, float, float, float] | None:
    """Left, top, width, height as shares."""
    if len(values) in (4, 5):
        x, y, width, height = values[:4]
        return x - width / 2, y - height / 2, width, height
    if len(values) < 6 or len(values) % 2:
        return None
    left, right, top, bottom = min(values[::2]), max(values[::2]), min(values[1::2]), max(values[1::2])
    return left, top, right - left, bottom - top


def _same(uri: str) -> str:
    return f"{uri.rpartition('.')[0]}.txt"


def _beside(uri: str) -> str:
    """The text file of an image: its last folder ``images`` is ``labels`` there."""
    head, found, tail = f"/{uri}".rpartition("/images/")
    return _same(f"{head}/labels/{tail}".removeprefix("/") if found else uri)


def _label_file(root: Path, uri: str) -> Path | None:
    for place in dict.fromkeys((_beside(uri), f"labels/{_same(uri)}", _same(uri))):
        if (file := root / place).is_file():
            return file
    return None


def _orphans(root: Path, images: Images, found: Found) -> None:
    """Text files, in the folders ``labels`` where those of images lie, whose image is not there."""
    expected = {place for uri in images.uris for place in (_beside(uri), f"labels/{_same(uri)}") if place != _same(uri)}
    for folder in sorted({place.rpartition("/")[0] for place in expected}):
        for file in sorted((root / folder).glob("*.txt")):
            place = f"{folder}/{file.name}"
            if place not in expected and place not in _LISTS:
                lines = sum(bool(line.strip()) for line in file.read_text(encoding="utf-8", errors="replace").splitlines())
                if lines:
                    found.lose(NO_IMAGE, place, lines)


def _class_names(root: Path) -> dict[int, str]:
    """The names of classes by number; empty where nothing names them."""
    for name in _NAMES:
        if not (file := root / name).is_file():
            continue
        try:
            content = yaml.safe_load(file.read_text(encoding="utf-8"))
        except (yaml.YAMLError, UnicodeDecodeError):
            raise UserError(f"{file} is no YAML. Correct that file: it should hold the names of classes under names.") from None
        names = content.get("names") if isinstance(content, Mapping) else None
        if isinstance(names, list):
            return {number: str(name) for number, name in enumerate(names)}
        if isinstance(names, Mapping) and all(isinstance(key, int) for key in names):
            return {int(key): str(names[key]) for key in sorted(names)}
    for name in _LISTS:
        if (file := root / name).is_file():
            return {number: line.strip() for number, line in enumerate(file.read_text(encoding="utf-8").splitlines()) if line.strip()}
    return {}
