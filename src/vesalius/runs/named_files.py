"""The files of Python and YAML that a configuration names: they say how a run computes, and may be edited before it goes on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from vesalius.files import checksum

_KINDS = (".py", ".yaml", ".yml")
_COPIED = "plugins"
"""The field whose files the run has copies of."""


def digests(config: Mapping[str, Any]) -> dict[str, str]:
    """Dotted field -> SHA-256 of the file that it names, as ``views.yaml`` or ``network.py:build``."""
    return {field: checksum(file) for field, file in _named(config)}


def changed(config: Mapping[str, Any], known: Mapping[str, str]) -> list[str]:
    """Which files of ``config`` are not as ``known``, in words: ``views.yaml (views)``. What is not there is left to whoever reads it."""
    return [f"{file.name} ({field})" for field, file in _named(config) if field in known and known[field] != checksum(file)]


def _named(value: Any, field: str = "") -> Iterator[tuple[str, Path]]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            if field or name != _COPIED:
                yield from _named(inner, f"{field}.{name}" if field else str(name))
    elif isinstance(value, list | tuple):
        for number, inner in enumerate(value, 1):
            yield from _named(inner, f"{field}.{number}")
    elif isinstance(value, str):
        named = value.rpartition(":")[0] if ".py:" in value else value
        if named.endswith(_KINDS) and (file := Path(named).expanduser()).is_file():
            yield field, file
