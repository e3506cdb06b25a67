"""All image files under a folder, a million in seconds: one ``scandir`` a folder, no ``stat`` of files.

Behind an address: one request per thousand files.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from vesalius.files import Objects, is_remote

_RASTER = "png jpg jpeg jpe jfif tif tiff bmp dib webp gif ppm pgm pbm pnm jp2 j2k"
SUFFIXES = frozenset([*_RASTER.split(), "dcm", "dicom"])
"""Suffixes (without the dot, in small letters) of what is taken for an image when a folder is listed."""

VOLUMES = (".nii", ".nii.gz", ".nrrd", ".nhdr", ".mha", ".mhd")
"""Suffixes of what is taken for a volume; none of them is an image's."""

_LOOKED_AT = 64

Progress = Callable[[int, int], None]
"""Called with how many are done and of how many (0: not known)."""


@dataclass
class Listing:
    """``uris`` relative to the folder, with forward slashes, sorted folder by folder; and what was passed over.

    ``folders``: each folder that holds images, as ``""`` or ``"a/b/"``, and how many, in the order of ``uris``.
    """

    uris: list[str] = field(default_factory=list)
    folders: list[tuple[str, int]] = field(default_factory=list)
    hidden: int = 0
    other: int = 0
    closed: int = 0
    """Files and folders whose name begins with a dot; files of another suffix; folders that may not be read."""


def list_images(root: Path, progress: Progress | None = None, *, every: bool = False) -> Listing:
    """Every image under ``root``, or ``every`` file whatever its suffix; links followed but never in a circle."""
    if is_remote(root):
        return _behind(str(root), progress, every)
    found = Listing()
    told = 0
    stack = [("", os.fspath(root))]
    linked = {os.path.realpath(root)}
    while stack:
        prefix, folder = stack.pop()
        names: list[str] = []
        folders: list[tuple[str, str]] = []
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    name = entry.name
                    if name[0] == ".":
                        found.hidden += 1
                    elif entry.is_dir():
                        if not entry.is_symlink() or _new(entry.path, linked):
                            folders.append((f"{prefix}{name}/", entry.path))
                    elif every or _is_image(name):
                        names.append(name)
                    else:
                        found.other += 1
        except PermissionError:
            found.closed += 1
            continue
        names.sort()
        found.uris += [prefix + name for name in names] if prefix else names
        if names:
            found.folders.append((prefix, len(names)))
        stack += sorted(folders, reverse=True)
        if progress is not None and len(found.uris) - told >= 20_000:
            told = len(found.uris)
            progress(told, 0)
    if progress is not None:
        progress(len(found.uris), len(found.uris))
    return found


def _behind(root: str, progress: Progress | None, every: bool) -> Listing:
    """The same listing, in the same order, of what lies behind an address."""
    found = Listing()
    folders: dict[str, list[str]] = {}
    hidden: set[str] = set()
    for uri, _ in Objects(root).walk(progress):
        at = 0 if uri.startswith(".") else uri.find("/.") + 1
        folder, slash, name = uri.rpartition("/")
        if at or uri.startswith("."):
            hidden.add(uri[: end if (end := uri.find("/", at)) > 0 else len(uri)])
        elif every or _is_image(name):
            folders.setdefault(folder + slash, []).append(name)
        else:
            found.other += 1
    for folder in sorted(folders, key=lambda words: words.replace("/", "/\0").split("\0")):  # "a b/" comes before "a/", as here
        names = sorted(folders.pop(folder))
        found.uris += [folder + name for name in names]
        found.folders.append((folder, len(names)))
    found.hidden = len(hidden)
    if progress is not None:
        progress(len(found.uris), len(found.uris))
    return found


def holds_dicom(root: Path) -> bool:
    """Whether nearly all of the first images under a folder are DICOM, by their content; not looked for behind an address."""
    if is_remote(root):
        return False
    dicom, other = 0, 0
    for folder, folders, names in os.walk(root):
        folders.sort()
        for name in sorted(names):
            if name[0] == ".":
                continue
            with suppress(OSError), open(os.path.join(folder, name), "rb") as file:
                if file.read(132)[128:] == b"DICM":
                    dicom += 1
                else:
                    other += _is_image(name)
            if dicom + other >= _LOOKED_AT:
                return dicom >= 9 * other
    return dicom > 0 and dicom >= 9 * other


def holds_volumes(root: Path) -> bool:
    """Whether most of the first images and volumes under a folder are volumes, by their suffixes; here or behind an address."""
    volumes, images = 0, 0
    names = (uri for uri, _ in Objects(str(root)).walk()) if is_remote(root) else _names(root)
    for name in names:
        volumes += name.lower().endswith(VOLUMES)
        images += _is_image(name)
        if volumes + images >= _LOOKED_AT:
            break
    return volumes > images


def _names(root: Path) -> Iterator[str]:
    for _, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if name[0] != ".")
        yield from sorted(name for name in names if name[0] != ".")


def _is_image(name: str) -> bool:
    return name.rpartition(".")[2].lower() in SUFFIXES and "." in name


def _new(path: str, linked: set[str]) -> bool:
    """Whether the linked folder ``path`` leads neither to one seen before nor to one that contains it."""
    real = os.path.realpath(path)
    if real in linked or (os.path.realpath(os.path.dirname(path)) + os.sep).startswith(real + os.sep):
        return False
    linked.add(real)
    return True
