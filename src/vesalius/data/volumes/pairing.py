"""Which of a folder's volumes are labels, and of which image: by the names that data sets give them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from vesalius.data.listing import VOLUMES

FOLDERS: Mapping[str, tuple[str, ...]] = {
    "labelsTr": ("imagesTr",),
    "labelsTs": ("imagesTs",),
    "label": ("img", "image", "images"),
    "labels": ("images", "image", "img", "imgs", "volumes", "scans"),
    "seg": ("img", "image", "images"),
    "segs": ("images", "imgs"),
    "segmentations": ("images", "volumes", "scans"),
    "mask": ("img", "image", "images"),
    "masks": ("images", "imgs", "volumes", "scans"),
}
"""Folders of label volumes, and what the folder beside them that holds the images may be called."""
_LABEL = re.compile(
    r"(?:[_-](?:label|labels|seg|segmentation|dseg|mask|gt|ground_?truth)$)|(?:^(?:label|labels|seg|segmentation|mask)[_-]?(?=\d))",
    re.I,
)
_IMAGE = re.compile(r"(?:[_-](?:image|img|volume|scan)$)|(?:^(?:image|img|volume|scan)[_-]?(?=\d))", re.I)
_CHANNEL = re.compile(r"_\d{4}$")


@dataclass(frozen=True)
class Pairs:
    """``images`` and, of each, its label volume in ``masks`` or None; ``alone``: label volumes without an image."""

    images: list[str]
    masks: list[str | None]
    alone: list[str]


def stem_of(uri: str) -> str:
    """A volume's name without its folders and its suffix."""
    name = uri.rpartition("/")[2]
    ending = max((end for end in VOLUMES if name.lower().endswith(end)), key=len, default="")
    return name[: len(name) - len(ending)]


def case_of(uri: str) -> str:
    """A volume's name without what says that it is an image or its labels, or which channel of nnU-Net's it is."""
    return _IMAGE.sub("", _CHANNEL.sub("", _LABEL.sub("", stem_of(uri))))


def paired(uris: Sequence[str]) -> Pairs:
    """Divide ``uris`` (relative, with forward slashes) into images and their label volumes.

    Label volumes lie in a folder beside that of the images (``FOLDERS``) under the same name, or beside their image with an
    ending such as ``_label`` or ``_seg``. A label volume belongs to all images of its case, such as the contrasts of one scan.
    """
    folders = {uri.rpartition("/")[0] for uri in uris}
    labels: dict[str, dict[str, str]] = {}  # folder of the images -> case -> label volume
    images: list[str] = []
    for uri in uris:
        folder, _, _ = uri.rpartition("/")
        if (beside := _beside(folder, folders)) is not None:
            labels.setdefault(beside, {})[case_of(uri)] = uri
        elif _LABEL.search(stem_of(uri)):
            labels.setdefault(folder, {})[case_of(uri)] = uri
        else:
            images.append(uri)
    masks = [_of(uri, labels.get(uri.rpartition("/")[0], {})) for uri in images]
    used = {mask for mask in masks if mask is not None}
    alone = [uri for cases in labels.values() for uri in cases.values() if uri not in used]
    return Pairs(images, masks, sorted(alone))


def _beside(folder: str, folders: set[str]) -> str | None:
    """The folder of images that ``folder`` of labels belongs to; one of its parts is called as in ``FOLDERS``."""
    parts = folder.split("/")
    for place, part in enumerate(parts):
        for name in FOLDERS.get(part, FOLDERS.get(part.lower(), ())):
            other = "/".join([*parts[:place], name, *parts[place + 1 :]])
            if other in folders:
                return other
    return None


def _of(image: str, cases: Mapping[str, str]) -> str | None:
    """The label volume of ``image``: of the same case, else of the longest beginning of its name, as BIDS and BraTS name them."""
    case = case_of(image)
    while case:
        if case in cases:
            return cases[case]
        case = re.sub(r"[_-][^_-]*$", "", case) if re.search(r"[_-]", case) else ""
    return None
