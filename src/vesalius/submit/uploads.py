"""The files that go with a line: Python and YAML that it names, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from vesalius.errors import UserError
from vesalius.recipes import yaml12
from vesalius.submit.verb_line import VerbLine

_CODE = re.compile(r"(.+\.(?:py|ya?ml))(?::\w+)?")


def uploads(line: VerbLine) -> list[Path]:
    """The ``.py``, ``.yaml`` and ``.yml`` files that ``line`` and its recipe name, relative to the present folder.

    Raises UserError for one outside of it: it would lie elsewhere on the compute.
    """
    here, found = Path.cwd().resolve(), {}
    said = [*line.words, *([] if line.config is None else _texts(line.config.model_dump(mode="json")))]
    pending = [Path(match[1]) for text in said if (match := _CODE.fullmatch(text))]
    while pending:
        path = pending.pop().expanduser()
        place = path.resolve()
        if place in found or not place.is_file():
            continue
        if path.is_absolute() or not place.is_relative_to(here):
            raise UserError(f"{path} is not below this folder, so the job would not find it. Start where it is, and name it from there.")
        found[place] = place.relative_to(here)
        if place.suffix != ".py":
            named = [m[1] for text in _texts(yaml12.read(path)) if (m := _CODE.fullmatch(text))]
            pending += [Path(name) for name in named]
            pending += [path.parent / name for name in named]
    return sorted(found.values())


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _texts(item)
