"""The JSON files beside the images, one for each, in the layout of Lightly's datasource: ``ROOT/.lightly/KIND/<image without suffix>.json``."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from vesalius.errors import UserError
from vesalius.files import AT_ONCE, contents, is_remote

T = TypeVar("T")

FOLDER = ".lightly"
_NAMED = 5
_PART = re.compile(r"(?<=\w)(#[\d.,]+){1,2}$")
"""A frame or a box of a file, as names have them."""
_THREADS = 8  # files wait for the disk more than for Python
_AT_ONCE = 64


class Broken(ValueError):
    """A file does not say what it should, in words that end no sentence."""


def folder(root: str | os.PathLike[str], *below: str) -> str:
    """``root/.lightly/...``, here or behind an address."""
    return "/".join((str(root).rstrip("/") or "/", FOLDER, *below))


def listed(place: str) -> Any:
    """What the JSON file at ``place`` holds, None where there is no such file. Raises UserError where it is no JSON."""
    try:
        return _parsed(contents(place))
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None
    except Broken as error:
        raise UserError(f"{place} cannot be used: {error}. Correct that file.") from None


def read_each(place: str, names: Sequence[str], parse: Callable[[int, Mapping[str, Any]], T], what: str) -> list[T | None]:
    """``parse(row, content)`` of the file of each of ``names`` below the folder ``place``, None for images without one.

    Frames and boxes (``#...``) are of their file's image. Where images differ by their suffix alone, the file's ``file_name`` says of which of
    them it is; a suffix that differs otherwise is of no account. ``parse`` raises Broken with what is wrong. Raises UserError, naming the first
    of them, where any file (``what``: of which kind) is broken or is of another image: to leave out some would bend the selection silently.
    """
    names = [_PART.sub("", name) if "#" in name else name for name in names]
    stems = [os.path.splitext(name)[0] for name in names]
    shared = {stem for stem, count in Counter(stems).items() if count > 1}
    remote = is_remote(place)

    def one(row: int) -> T | Broken | None:
        try:
            content = _content(f"{place}/{stems[row]}.json", remote)
            if content is None:
                return None
            if not isinstance(content, Mapping):
                raise Broken("it is not a mapping {...}")
            said = os.path.basename(str(content.get("file_name", "")))
            if said and os.path.splitext(said)[0] != os.path.basename(stems[row]):
                raise Broken(f"its file_name is {said}, another image")
            if stems[row] in shared and said not in ("", os.path.basename(names[row])):
                return None
            return parse(row, content)
        except Broken as error:
            return error

    with ThreadPoolExecutor(AT_ONCE if remote else _THREADS) as pool:
        parts = pool.map(lambda start: [one(row) for row in range(start, min(start + _AT_ONCE, len(names)))], range(0, len(names), _AT_ONCE))
        found = [each for part in parts for each in part]
    wrong = [(stems[row], each) for row, each in enumerate(found) if isinstance(each, Broken)]
    if wrong:
        shown = "; ".join(f"{stem}.json: {error}" for stem, error in wrong[:_NAMED])
        more = f"; and {len(wrong) - _NAMED:,} more" if len(wrong) > _NAMED else ""
        many = f"{len(wrong):,} files of {what} in {place} cannot be used" if len(wrong) > 1 else f"A file of {what} in {place} cannot be used"
        mended = f"Correct or delete {'them' if len(wrong) > 1 else 'it'}"
        raise UserError(f"{many}: {shown}{more}. {mended}: an image without a file counts as one of which nothing is known.")
    return [None if isinstance(each, Broken) else each for each in found]


def _content(place: str, remote: bool) -> Any:
    try:
        if remote:
            return _parsed(contents(place))
        with open(place, "rb") as file:
            return _parsed(file.read())
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise Broken(f"it could not be read ({error.strerror or type(error).__name__})") from None


def _parsed(data: bytes) -> Any:
    try:
        return json.loads(data)
    except UnicodeDecodeError:
        raise Broken("it is not UTF-8 text") from None
    except json.JSONDecodeError as error:
        raise Broken(f"it is no JSON at line {error.lineno}, column {error.colno}") from None
    except RecursionError:
        raise Broken("it is nested too deeply") from None
