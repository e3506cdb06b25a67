"""COCO's JSON: ``{images, annotations, categories}`` in files below the root or its folder ``annotations``, or one in each split's folder.

Files that differ by the word of a split (``instances_train2017.json``, ``instances_val2017.json``) are one task, ``instances``, and that word
is the split of their images. Crowds are no objects. Lin et al., ECCV 2014.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vesalius.data.boxes.found import NO_IMAGE, Found, Images
from vesalius.data.schema import SPLIT_WORDS
from vesalius.errors import UserError

_LOOKED_AT = 64


def tasks(root: Path, images: Images) -> list[str]:
    """A task for every group of files."""
    return sorted(_groups(root))


def read(root: Path, task: str, images: Images) -> Found:
    """Every annotation of the task's files. Raises UserError for a file that is none of COCO's."""
    return of_files(_groups(root)[task], images, root)


def of_files(files: list[Path], images: Images, root: Path) -> Found:
    """Every annotation of ``files``."""
    found = Found()
    for file in files:
        _add(found, file, images, file.parent.relative_to(root).as_posix() if file.parent.is_relative_to(root) and file.parent != root else "")
    return found


def _groups(root: Path) -> dict[str, list[Path]]:
    """The files of each task."""
    found: dict[str, list[Path]] = {}
    for place in (root, *sorted(path for path in root.iterdir() if path.is_dir() and path.name[0] != ".")):
        for file in sorted(path for path in place.glob("*.json") if path.name[0] != ".")[:_LOOKED_AT]:
            if _is_coco(file):
                found.setdefault(_plain(file.name), []).append(file)
    return found


def _is_coco(file: Path) -> bool:
    data = file.read_bytes()
    return b'"images"' in data and b'"annotations"' in data and b'"categories"' in data


def _plain(name: str) -> str:
    """A file's name without the words of splits and years."""
    words = [word for word in re.split(r"[^A-Za-z0-9]+", name.rpartition(".")[0]) if _split(word) is None]
    return "-".join(words) or "coco"


def _split(word: str) -> str | None:
    return SPLIT_WORDS.get(re.sub(r"\d+$", "", word.lower()))


def _add(found: Found, file: Path, images: Images, folder: str) -> None:
    content = _content(file)
    hints = [*re.split(r"[^A-Za-z0-9]+", file.stem), file.stem]
    split = next((part for word in (*hints, *folder.split("/")) if (part := _split(word))), None)
    uris: dict[str, str] = {}
    named: dict[str, str] = {}
    for image in content["images"]:
        name, number = str(image.get("file_name", "")), _id(image, "id")
        named[number] = name
        uri = images.named(name, folder, hints)
        if uri is None:
            continue
        uris[number] = uri
        found.images.add(uri)
        if split is not None:
            found.splits[uri] = split
        width, height = image.get("width"), image.get("height")
        if isinstance(width, int) and isinstance(height, int) and width > 0 and height > 0:
            found.sizes[uri] = width, height
    kinds = {_id(one, "id"): str(one.get("name", one.get("id"))) for one in content["categories"]}
    found.classes += [name for name in kinds.values() if name not in found.classes]
    for one in content["annotations"]:
        image_id, kind = _id(one, "image_id"), _id(one, "category_id")
        uri = uris.get(image_id)
        if uri is None:
            found.lose(NO_IMAGE, named.get(image_id) or f"image_id {image_id} of {file.name}")
        elif kind not in kinds:
            found.lose("of an unknown class", f"{uri} (category_id {kind})")
        elif one.get("iscrowd"):
            found.lose("around crowds, which are no object", uri)
        elif not _four(one.get("bbox")):
            found.lose("without four numbers", uri)
        else:
            score = one.get("score")
            found.add(uri, one["bbox"], kinds[kind], float(score) if isinstance(score, (int, float)) else float("nan"))


def _content(file: Path) -> dict[str, list[Mapping[str, Any]]]:
    """The three lists. Raises UserError where they are not there."""
    try:
        content = json.loads(file.read_bytes())
        lists = {key: content[key] for key in ("images", "annotations", "categories")}
        if not all(isinstance(some, list) and all(isinstance(one, Mapping) for one in some) for some in lists.values()):
            raise TypeError
    except (ValueError, KeyError, TypeError, RecursionError):
        raise UserError(
            f"{file} is not COCO's JSON: an object with the lists images, annotations and categories. Correct that file, or name the boxes that are meant."
        ) from None
    return lists


def _id(one: Mapping[str, Any], key: str) -> str:
    """An id as text: files write numbers, and some write texts."""
    return str(one.get(key))


def _four(box: object) -> bool:
    return isinstance(box, list) and len(box) == 4 and all(isinstance(side, (int, float)) and not isinstance(side, bool) for side in box)
