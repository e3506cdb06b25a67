"""YAML read safely, with the scalars of YAML 1.2: ``1e-3`` is a number, ``no`` a word, ``010`` ten, ``1:30`` text."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from vesalius.errors import UserError


class _Loader(yaml.SafeLoader):
    """SafeLoader with YAML 1.2's core schema."""


_Loader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", "tTfF"),
    ("int", r"^[-+]?[0-9]+$|^0o[0-7]+$|^0x[0-9a-fA-F]+$", "-+0123456789"),
    ("float", r"^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$|^[-+]?\.(?:inf|Inf|INF)$|^\.(?:nan|NaN|NAN)$", "-+.0123456789"),
    ("null", r"^(?:~|null|Null|NULL|)$", "~nN\0"),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(_pattern), list(_first) + ([""] if _tag == "null" else []))


def _integer(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> int:
    text = str(loader.construct_scalar(node))
    return int(text, 8 if text.startswith("0o") else 16 if text.startswith("0x") else 10) if text[:2] not in ("0o",) else int(text[2:], 8)


_Loader.add_constructor("tag:yaml.org,2002:int", _integer)


def parse(text: str, place: str = "the text") -> Any:
    """The value written in ``text``. Raises UserError with line and column where it is not YAML."""
    loader = _Loader(text)
    try:
        return loader.get_single_data()
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise UserError(f"{place} is not valid YAML{where}: {getattr(error, 'problem', error)}.") from None
    finally:
        loader.dispose()


def read(path: Path) -> dict[str, Any]:
    """The mapping in the file ``path``."""
    try:
        value = parse(path.read_text(encoding="utf-8"), str(path))
    except OSError as error:
        raise UserError(f"{path} could not be read: {error.strerror}.") from None
    if not isinstance(value, dict):
        raise UserError(f"{path} holds no mapping of keys to values.")
    return value
