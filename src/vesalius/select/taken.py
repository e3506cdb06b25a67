"""Selected files into a folder, under their relative paths: copied or linked, gone on with where a killed call stopped."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path, PurePosixPath

from vesalius.errors import UserError
from vesalius.files import atomic_write, is_remote, naming_failures, sweep_leftovers
from vesalius.select.handed import Handed
from vesalius.select.pool import names_of
from vesalius.select.selected import Selected
from vesalius.select.shown import left_out

_MARK = ".vesalius-selection.json"
"""What makes a folder one that was begun: which selection it holds, by the digest of its names, and whether it is whole."""


@dataclass(frozen=True)
class File:
    """``name`` below the folder; ``place`` where it lies now."""

    name: str
    place: Path


def begun(out: Path) -> bool:
    """Whether ``out`` is a folder of such files that is not whole yet, or an empty one."""
    if not out.is_dir():
        return False
    mark = _mark(out)
    return not any(out.iterdir()) if mark is None else not mark["whole"]


def take(selected: Selected, out: Path, put: Callable[[Path, Path], None], same: Callable[[Path, Path], bool]) -> Handed:
    """Every selected file by ``put`` into ``out``; one that is there and the ``same`` is passed over. Files that have vanished are named.

    Raises UserError where the folder holds another selection or files of somebody else, where images are rows of arrays, and where
    every file is gone.
    """
    files = list(_files(selected))
    digest = blake2b("\n".join(sorted(file.name for file in files)).encode("utf-8", "surrogateescape"), digest_size=16).hexdigest()
    mark = _mark(out)
    if mark is not None and mark["selection"] != digest:
        raise UserError(f"{out} was begun for another selection. Name another folder, or remove that one.")
    if mark is None and out.exists() and not begun(out):
        raise UserError(f"{out} is there already and holds other files. Name another folder.")
    with naming_failures(out):
        out.mkdir(parents=True, exist_ok=True)
        atomic_write(out / _MARK, json.dumps({"selection": digest, "whole": False}))
        gone: list[str] = []
        done: list[Path] = []
        swept: set[Path] = set()
        for file in files:
            target = out.joinpath(*PurePosixPath(file.name).parts)
            try:
                if not (os.path.lexists(target) and same(file.place, target)):
                    target.parent.mkdir(parents=True, exist_ok=True)
                    if target.parent not in swept:
                        sweep_leftovers(target.parent)
                        swept.add(target.parent)
                    put(file.place, target)
                done.append(target)
            except FileNotFoundError:
                gone.append(f"{file.name}: the file is not there")
    if gone and not done:
        raise UserError(f"None of the {len(files):,} selected files is there any more. The first: {gone[0]}. Look whether the data still lie where they were.")
    atomic_write(out / _MARK, json.dumps({"selection": digest, "whole": not gone}))
    return Handed(tuple(done), notes=(left_out(gone),) if gone else ())


def _files(selected: Selected) -> Iterator[File]:
    """Each selected file once, of a folder of slices all that it holds."""
    table = selected.table
    assert table is not None
    if table.container is not None:
        raise UserError(
            f"The images of {table.source} are rows of arrays, not files of their own, so that there is nothing to copy. Write them as pictures "
            "with --write fiftyone=FOLDER or --write label-studio=FOLDER, or their names with --write filenames=FILE."
        )
    place = {str(name): row for row, name in enumerate(names_of(table))}
    uris = table.frame["uri"].tolist()
    seen: set[str] = set()
    for name in map(str, selected.names):
        uri = str(uris[place[name]]) if name in place else name
        if uri in seen:
            continue
        seen.add(uri)
        below, at = _below(uri, table.root), table.path(uri)
        if table.dims == 2 or is_remote(at) or not at.is_dir():
            if table.dims == 3 and "#" in uri:
                raise UserError(f"{table.source} holds several series in one folder, which copies cannot tell apart. Write their names as filenames or csv.")
            yield File(below, at)
            continue
        for file in sorted(path for path in at.rglob("*") if path.is_file()):
            yield File(f"{below}/{file.relative_to(at).as_posix()}", file)


def _below(uri: str, root: str) -> str:
    """``uri`` as a path that stays below any folder."""
    start = str(root).rstrip("/") + "/"
    path = PurePosixPath(uri.removeprefix(start) if root else uri)
    return str(PurePosixPath(*(part for part in path.parts if part not in ("/", ".."))))


def _mark(out: Path) -> dict[str, object] | None:
    try:
        found: dict[str, object] = json.loads((out / _MARK).read_text())
        return found if "selection" in found and "whole" in found else None
    except (OSError, ValueError):
        return None
