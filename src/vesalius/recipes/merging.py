"""Laying one mapping over another, as recipes are laid over each other and the user's changes over both."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from vesalius.errors import UserError
from vesalius.recipes.config import MonitorConfig, PretrainConfig

CHOICES = ("encoder", "decoder", "method", "optimizer", "intensity")
"""Fields whose ``name`` (of a plan's intensity its ``rule``) picks an entry: a new one forgets the old entry's fields."""
KEPT: Mapping[str, Sequence[str]] = {"encoder": ("freeze", "lr_factor", "min_match", "scratch")}
"""Fields of a choice that are not its entry's: a new name keeps them."""
_UNITS = ("epochs", "steps", "share")
"""Ways to say how long something is: a new one forgets the old one."""
_DEFAULT_MONITORS: Sequence[MonitorConfig] = PretrainConfig.model_fields["monitors"].default


def plain(value: Any) -> Any:
    """A copy in dictionaries, lists and scalars: paths become text."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return os.fspath(value) if isinstance(value, os.PathLike) else value


def merge(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """``base`` with ``changes`` laid over it, mapping by mapping; a choice with a new name starts afresh.

    ``method: byol`` means ``method: {name: byol}``; ``monitors: {linear: {lr: 1}}`` changes the entry of that name.
    """
    out = dict(base)
    if any(unit in changes for unit in _UNITS):
        for unit in _UNITS:
            out.pop(unit, None)
    for key, given in changes.items():
        old, value = written_out(key, out.get(key)), written_out(key, plain(given))
        chosen = "rule" if key == "intensity" else "name"
        renamed = isinstance(value, dict) and isinstance(old, dict) and value.get(chosen, old.get(chosen)) != old.get(chosen)
        if key == "monitors":
            out[key] = _monitors(old, value)
        elif key == "tracking":
            out[key] = _entries(key, [] if old is None else old, value)
        elif isinstance(value, dict) and isinstance(old, dict) and not (key in CHOICES and renamed):
            out[key] = merge(old, value)
        elif isinstance(value, dict) and isinstance(old, dict):
            out[key] = {k: old[k] for k in KEPT.get(key, ()) if k in old} | value
        else:
            out[key] = value
    return out


def written_out(key: str, value: Any) -> Any:
    """``value`` written out where one word was given for more."""
    if key == "plugins" and isinstance(value, str):
        return [value]
    if key == "tracking" and isinstance(value, str):
        return {name.strip(): {} for name in value.split(",")}
    return {"rule" if key == "intensity" else "name": value} if key in CHOICES and isinstance(value, str) else value


def _monitors(old: Any, given: Any) -> Any:
    """The list of monitors, the default ones where there is none yet."""
    return _entries("monitors", old if isinstance(old, list) else [{"name": m.name} for m in _DEFAULT_MONITORS], given)


def _entries(key: str, old: Any, given: Any) -> Any:
    """A list of named entries: a list replaces the old one, a mapping changes or adds the entries it names."""
    if key == "tracking" and (given is None or (isinstance(given, dict) and isinstance(given.get("name"), str))):
        return [given] if given else []
    if not isinstance(given, dict):
        return [{"name": entry} if isinstance(entry, str) else entry for entry in given] if isinstance(given, list) else given
    entries = [dict(entry) for entry in old]
    for name, fields in given.items():
        if not isinstance(fields, dict | None):
            like = "every.epochs 1" if key == "monitors" else "FIELD VALUE"
            raise UserError(f"{key}.{name} is {fields!r}; give its fields, as in --{key}.{name}.{like}.")
        mine = [place for place, entry in enumerate(entries) if entry.get("name") == name]
        for place in mine:
            entries[place] = merge(entries[place], fields or {})
        if not mine:
            entries.append({"name": name, **(fields or {})})
    return entries
