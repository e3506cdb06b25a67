"""From ``my_data.py:MySet`` and a folder to the data set's parts, and what tells whether they are still the same."""

from __future__ import annotations

import inspect
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from hashlib import blake2b
from pathlib import Path
from threading import Lock
from typing import Any

from vesalius import registry
from vesalius.data.identity import inside
from vesalius.data.own.items import Item, MapStyle, taken_apart
from vesalius.data.schema import SPLIT_WORDS
from vesalius.errors import UserError, VesaliusError

WHOLE = "all"
"""The name of the only part."""
_FILES = ("samples", "imgs", "files", "filenames", "paths", "image_paths")
"""Attributes by which data sets tell the file of each item; the first is torchvision's ``ImageFolder``'s."""
FORMS = "An item is an image (of Pillow, an array or a tensor), (image, label), or (index, image, label)"


@dataclass(frozen=True)
class Opened:
    """``parts`` by name: ``all``, or train, val and test. ``lock``: held while an item is asked for, unless None."""

    name: str
    parts: Mapping[str, MapStyle]
    root: str
    lock: Lock | None

    def item(self, part: str, index: int) -> Item:
        """One item. Raises UserError where it is of none of the forms, and whatever the data set raises."""
        if self.lock is None:
            given = self.parts[part][index]
        else:
            with self.lock:
                given = self.parts[part][index]
        found = taken_apart(given)
        if found is None:
            shown = (
                f"a tuple of {', '.join(type(v).__name__ for v in given)}"
                if isinstance(given, (tuple, list))
                else f"a {type(given).__name__}"
            )
            raise UserError(f"Item {index} of {self.name} is {shown}. {FORMS}.")
        return found

    @cached_property
    def files(self) -> Mapping[str, Sequence[str]] | None:
        """The file of each item, relative to the root, where every part tells them and each is told once; else None."""
        found = {part: _files(data, self.root) for part, data in self.parts.items()}
        every = [file for files in found.values() for file in files]
        whole = all(len(found[part]) == len(data) for part, data in self.parts.items())
        return found if whole and len(set(every)) == len(every) else None

    @cached_property
    def places(self) -> Mapping[str, tuple[str, int]]:
        """Part and number of each file; empty where files are not told."""
        return {file: (part, i) for part, files in (self.files or {}).items() for i, file in enumerate(files)}


def load(code: str) -> Any:
    """The object behind ``FILE.py:NAME`` or the name of a registered source."""
    return registry.import_attribute(code) if ":" in code else registry.entry("sources", code)


_KEPT: dict[tuple[str, str, str], Opened] = {}
_MOST = 4


def keep(code: str, root: str, mark: str, data: Opened) -> Opened:
    """Have ``opened`` give ``data`` for ``code`` at ``root`` in the state ``mark``; a few are kept."""
    _KEPT.pop((code, root, mark), None)
    while len(_KEPT) >= _MOST:
        _KEPT.pop(next(iter(_KEPT)))
    _KEPT[code, root, mark] = data
    return data


def opened(code: str, root: str, mark: str) -> Opened:
    """The data set behind ``code`` at ``root`` in the state ``mark``, made once."""
    kept = _KEPT.get((code, root, mark))
    return (
        kept if kept is not None else keep(code, root, mark, as_opened(made_with(load(code), root, code), root, code))
    )


def as_opened(parts: Mapping[str, Any], root: str, code: str) -> Opened:
    """``parts`` checked. Raises UserError in one paragraph for what is no data set."""
    for data in parts.values():
        first = data[0] if isinstance(data, MapStyle) and not isinstance(data, (str, Mapping)) and len(data) else None
        if not isinstance(data, MapStyle) or (len(data) and taken_apart(first) is None):
            item = "" if first is None else f", and its item 0 is a {type(first).__name__}"
            raise UserError(
                f"{code} gave a {type(data).__name__}, not a SampleTable{item}. Return SampleTable.of(source, root, uris, columns), or a "
                f"data set with `__len__` and `__getitem__`. {FORMS}."
            )
    free = all(getattr(data, "thread_safe", False) for data in parts.values())
    return Opened(code.rpartition(":")[2], parts, root, None if free else Lock())


def mark_of(code: str, root: str) -> str:
    """32 digits that change with the code, with any file below ``root`` (its name, size or time), and with ``version``."""
    made = load(code)
    state = blake2b(code_mark(code).encode() + str(getattr(made, "version", "")).encode(), digest_size=16)
    for folder, folders, files in os.walk(root) if root else ():
        folders.sort()
        for file in sorted(files):
            path = os.path.join(folder, file)
            try:
                found = os.stat(path)
            except OSError:
                continue
            state.update(
                f"{os.path.relpath(path, root)}\0{found.st_size}\0{found.st_mtime_ns}\n".encode(
                    "utf-8", "surrogateescape"
                )
            )
    return state.hexdigest()


@lru_cache(maxsize=16)
def code_mark(code: str) -> str:
    """A hash of the file that ``code`` lies in."""
    made = load(code)
    file = inspect.getsourcefile(made if inspect.isclass(made) or inspect.isroutine(made) else type(made))
    return blake2b(Path(file).read_bytes() if file else code.encode(), digest_size=16).hexdigest()


def made_with(made: Any, root: str, code: str) -> dict[str, Any]:
    """What the class, function or object ``made`` gives for ``root``, by part. Raises UserError where it cannot be called."""
    if not callable(made):
        return _named(made, code)
    takes = list(inspect.signature(made).parameters.values())
    needed = [
        p.name
        for p in takes[1:]
        if p.default is p.empty and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)
    ]
    first = [root] if takes and takes[0].kind is not inspect.Parameter.VAR_KEYWORD else []
    if set(needed) - {"train"}:
        raise UserError(
            f"{code} needs {', '.join(needed)} beside the data's root, its first argument. Write a function of the root alone "
            "that makes it, and name that: def mine(root): return MySet(root, ...)."
        )
    try:
        if any(p.name == "train" for p in takes[1:]):
            return _pool_and_test(made(*first, train=True), made(*first, train=False))
        return _named(made(*first), code)
    except VesaliusError:
        raise
    except Exception as error:
        raise UserError(
            f"{code} could not be made with the root {root or '(none)'}: {type(error).__name__}, {error}. Give --data.root."
        ) from error


def _named(made: Any, code: str) -> dict[str, Any]:
    """What was made as parts by name: a mapping of them, or one data set."""
    if not isinstance(made, Mapping):
        return {WHOLE: made}
    unknown = [str(name) for name in made if str(name).lower() not in SPLIT_WORDS]
    if unknown or not made:
        raise UserError(
            f"{code} gave parts named {', '.join(unknown) or 'nothing'}. Name them train, val and test, or give one data set."
        )
    return {SPLIT_WORDS[str(name).lower()]: data for name, data in made.items()}


def _pool_and_test(pool: Any, test: Any) -> dict[str, Any]:
    """Both halves of a class with an argument ``train``, as torchvision has them; one where the second is empty or the same."""
    if not isinstance(test, MapStyle) or not len(test) or (len(test) == len(pool) and _same(pool, test)):
        return {WHOLE: pool}
    return {"train": pool, "test": test}


def _same(one: Any, two: Any) -> bool:
    from vesalius.data.own.items import pixels_of

    for index in {0, len(one) // 2, len(one) - 1}:
        a, b = taken_apart(one[index]), taken_apart(two[index])
        if a is None or b is None:
            return False
        x, y = pixels_of(a.image), pixels_of(b.image)
        if x.shape != y.shape or (x != y).any():
            return False
    return True


def _files(data: MapStyle, root: str) -> list[str]:
    """The file of each item below ``root``; empty where the data set does not tell it."""
    for name in _FILES:
        told = getattr(data, name, None)
        if not isinstance(told, Sequence) or isinstance(told, str) or len(told) != len(data) or not len(told):
            continue
        paths = [entry[0] if isinstance(entry, (tuple, list)) else entry for entry in told]
        if all(isinstance(path, (str, os.PathLike)) for path in paths):
            if os.path.isfile(os.path.join(root, paths[0])):
                return [inside(Path(root, path), Path(root)) for path in paths]
            if os.path.isfile(paths[0]):  # from the current folder, as torchvision joins its root to them
                return [inside(Path(path), Path(root)) for path in paths]
    return []
