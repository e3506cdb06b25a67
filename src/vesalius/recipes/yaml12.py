"""YAML read safely, with the scalars of YAML 1.2: ``1e-3`` is a number, ``no`` a word, ``010`` ten, ``1:30`` text."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from vesalius.errors import UserError


class _Loader(yaml.SafeLoader):
    """SafeLoader with YAML 1.2's core schema, in which a key stands once."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """As the base class does, but the second of two equal keys is a mistake, not a replacement."""
        seen = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    raise yaml.constructor.ConstructorError(None, None, f"the key {key.value!r} stands there twice", key.start_mark)
                seen.add(key.value)
        return super().construct_mapping(node, deep)


_Loader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", "tTfF"),
    ("int", r"^[-+]?[0-9]+$|^0o[0-7]+$|^0x[0-9a-fA-F]+$", "-+0123456789"),
    ("float", r"^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$|^[-+]?\.(?:inf|Inf|INF)$|^\.(?:nan|NaN|NAN)$", "-+.0123456789"),
    ("null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(_pattern), list(_first))


def _integer(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> int:
    text = str(loader.construct_scalar(node))
    return int(text, {"0o": 8, "0x": 16}.get(text[:2], 10))


_Loader.add_constructor("tag:yaml.org,2002:int", _integer)


def parse(text: str, place: str = "the text") -> Any:
    """The value written in ``text``. Raises UserError with line and column where it is not YAML."""
    try:
        loader = _Loader(text)
        try:
            return loader.get_single_data()
        finally:
            loader.dispose()
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        reason = getattr(error, "problem", None) or error
    except (ValueError, AttributeError, RecursionError) as error:  # a tag that its text does not fit; a thousand brackets
        where, reason = "", f"{type(error).__name__}, {error}"
    said = " ".join(str(reason).split()).rstrip(".")
    raise UserError(f"{place} is not valid YAML{where}: {said}. Correct it there; YAML 1.2 is read.")


def read(path: Path) -> dict[str, Any]:
    """The mapping in the file ``path``. Raises UserError where it cannot be read, or holds no mapping."""
    try:
        value = parse(path.read_text(encoding="utf-8"), str(path))
    except OSError as error:
        raise UserError(f"{path} could not be read: {error.strerror}. Name a YAML file, or a recipe (`vesalius recipes list`).") from None
    except UnicodeDecodeError:
        raise UserError(f"{path} is not text in UTF-8. Name a YAML file, or a recipe (`vesalius recipes list`).") from None
    if not isinstance(value, dict):
        raise UserError(
            f"{path} holds no mapping of keys to values. Write `key: value` lines: docs/select.md shows a job of select, "
            "`vesalius recipes show demo` a recipe."
        )
    return value
