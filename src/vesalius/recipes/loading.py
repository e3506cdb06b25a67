"""From a recipe's name, a file or a mapping, and the user's changes, to a checked configuration."""

from __future__ import annotations

import copy
import os
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from vesalius import registry
from vesalius.errors import UserError
from vesalius.recipes import yaml12
from vesalius.recipes.compat import compat_changes
from vesalius.recipes.config import PretrainConfig

C = TypeVar("C", bound=BaseModel)
CHOICES = ("encoder", "method", "optimizer")
"""Fields whose ``name`` picks an entry: a new name forgets the old entry's fields."""


@cache
def aliases() -> dict[str, Any]:
    """``aliases.yaml``."""
    found: dict[str, Any] = yaml12.parse((files(__package__) / "aliases.yaml").read_text(encoding="utf-8"), "aliases.yaml")
    return found


@cache
def names() -> tuple[str, ...]:
    """The recipes Vesalius ships."""
    folder = files(__package__) / "library"
    return tuple(sorted(item.name.removesuffix(".yaml") for item in folder.iterdir() if item.name.endswith(".yaml")))


def raw(reference: str | Path | Mapping[str, Any]) -> dict[str, Any]:
    """The mapping behind a recipe's name, an alias, a YAML file or a mapping, ``extends`` resolved."""
    if isinstance(reference, Mapping):
        found = copy.deepcopy(dict(reference))
    else:
        found = _read(str(reference))
    parent = found.pop("extends", None)
    return merge(raw(parent), found) if parent else found


def _read(reference: str) -> dict[str, Any]:
    name = aliases()["recipes"].get(reference, reference)
    if name in names():
        text = (files(__package__) / "library" / f"{name}.yaml").read_text(encoding="utf-8")
        shipped: dict[str, Any] = yaml12.parse(text, name)
        return shipped
    if reference.endswith((".yaml", ".yml")) or Path(reference).is_file():
        return yaml12.read(Path(reference))
    every = [*names(), *aliases()["recipes"]]
    near = get_close_matches(reference, every, n=2)
    hint = f" Did you mean {' or '.join(near)}?" if near else ""
    raise UserError(
        f"There is no recipe {reference!r}.{hint} `vesalius recipes list` shows them ({', '.join(names())}); "
        "a configuration of your own is a .yaml file."
    )


def merge(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """``base`` with ``changes`` laid over it, mapping by mapping; a choice with a new name starts afresh."""
    out = dict(base)
    for key, value in changes.items():
        old = out.get(key)
        renamed = isinstance(value, Mapping) and isinstance(old, Mapping) and value.get("name", old.get("name")) != old.get("name")
        if isinstance(value, Mapping) and isinstance(old, Mapping) and not (key in CHOICES and renamed):
            out[key] = merge(old, value)
        else:
            out[key] = copy.deepcopy(value) if isinstance(value, (dict, list)) else value
    if "epochs" in changes and "steps" not in changes:
        out.pop("steps", None)
    if "steps" in changes and "epochs" not in changes:
        out.pop("epochs", None)
    return out


def pairs(tokens: Sequence[str]) -> list[tuple[str, Any]]:
    """``--a.b=1 --c-d 2 --flag`` -> dotted names with values."""
    found, i = [], 0
    while i < len(tokens):
        token = tokens[i]
        if not token.startswith("--") or token == "--":  # noqa: S105
            raise UserError(f"{token!r} is not understood here: fields are given as --name value or --name=value.")
        name, equals, text = token[2:].partition("=")
        if not equals:
            following = tokens[i + 1] if i + 1 < len(tokens) else None
            if following is not None and not following.startswith("--"):
                text, i = following, i + 1
            else:
                text = "true"
        found.append((name.replace("-", "_"), yaml12.parse(text, f"--{name}")))
        i += 1
    return found


def from_pairs(given: Iterable[tuple[str, Any]]) -> tuple[dict[str, Any], list[str]]:
    """Dotted names with values -> nested changes; aliases are translated."""
    known, changes, sentences = aliases(), {}, []  # type: dict[str, Any], dict[str, Any], list[str]
    for name, value in given:
        if name in known["without_meaning"]:
            sentences.append(known["without_meaning"][name])
            continue
        if name in known["fields"]:
            alias = known["fields"][name]
            name = alias["to"]
            if alias.get("first"):
                value = value[0] if isinstance(value, (list, tuple)) else str(value).split(",")[0]
            renames = alias.get("values", {})
            key = _boolean(value) if any(isinstance(k, bool) for k in renames) else value
            value = renames.get(key, value)
        *folders, last = name.split(".")
        place = changes
        for folder in folders:
            place = place.setdefault(folder, {})
            if not isinstance(place, dict):
                raise UserError(f"--{name} sets a field of {folder}, which was given a plain value before.")
        if isinstance(value, Mapping) and isinstance(place.get(last), dict):
            place[last] = merge(place[last], value)
        else:
            place[last] = dict(value) if isinstance(value, Mapping) else value
    return changes, sentences


def _boolean(value: Any) -> Any:
    """What people type for yes and no."""
    words = {"yes": True, "no": False, "on": True, "off": False, "t": True, "f": False, "y": True, "n": False}
    if isinstance(value, str):
        return words.get(value.lower(), {"true": True, "false": False}.get(value.lower(), value))
    return bool(value) if value in (0, 1) else value


def _monitors(config: dict[str, Any]) -> None:
    """``monitors.linear.lr = 1`` changes the entry of that name in the list, or adds it."""
    given = config.get("monitors")
    if not isinstance(given, Mapping):
        return
    entries = [dict(e) for e in config.pop("_monitors_before", None) or [m.model_dump() for m in PretrainConfig.model_fields["monitors"].default]]
    by_name = {entry["name"]: entry for entry in entries}
    for name, fields in given.items():
        if name in by_name:
            by_name[name].update(fields if isinstance(fields, Mapping) else {})
        else:
            entries.append({"name": name, **(fields if isinstance(fields, Mapping) else {})})
    config["monitors"] = entries


def _shorthand(config: dict[str, Any]) -> None:
    """``method: byol`` means ``method: {name: byol}``."""
    for key in CHOICES:
        if isinstance(config.get(key), str):
            config[key] = {"name": config[key]}


def load_pretrain(
    reference: str | Path | Mapping[str, Any], changes: Mapping[str, Any] | None = None
) -> tuple[PretrainConfig, list[str]]:
    """The checked configuration of a pretraining and what to tell the user about it.

    Order: recipe, then what ``compat`` brings back, then the user's ``changes``. Raises UserError naming the key, with
    the nearest known one.
    """
    base, changes = raw(reference), dict(changes or {})
    _shorthand(base)
    _shorthand(changes)
    sentences: list[str] = []
    plain = merge(base, changes)
    word = plain.get("compat", "none")
    if word != "none":
        world = int(os.environ.get("WORLD_SIZE", "1"))
        brought, sentences = compat_changes(word, str(plain.get("method", {}).get("name", "simclr")), world)
        base = merge(base, brought)
    before = base.get("monitors")
    config = merge(base, changes)
    if isinstance(config.get("monitors"), Mapping):
        if not isinstance(changes.get("monitors"), Mapping):
            before = None
        elif isinstance(before, Mapping):
            held = {"monitors": before}
            _monitors(held)
            before = held["monitors"]
        config["monitors"] = changes.get("monitors") if isinstance(changes.get("monitors"), Mapping) else config["monitors"]
        config["_monitors_before"] = before
        _monitors(config)
        config.pop("_monitors_before", None)
    for plugin in config.get("plugins", ()):
        registry.load_plugin(plugin)
    checked = check(PretrainConfig, config)
    method_module = registry.entry("methods", checked.method.name)
    check(method_module.Config, checked.method.fields, f"method {checked.method.name}")
    return checked, sentences


def check(model: type[C], value: Mapping[str, Any], where: str = "the recipe") -> C:
    """``value`` as a ``model``, or one paragraph saying which key is wrong and what was probably meant."""
    try:
        return model.model_validate(_loosened(model, value))
    except ValidationError as error:
        raise UserError(_explain(error, model, where)) from None


def _loosened(model: type[BaseModel], value: Any) -> Any:
    """yes/no/1/0 become booleans where the field is one."""
    if not isinstance(value, Mapping):
        return value
    out = {}
    for key, item in value.items():
        info = model.model_fields.get(key)
        if info is not None and info.annotation is bool:
            item = _boolean(item)
        elif info is not None and isinstance(info.annotation, type) and issubclass(info.annotation, BaseModel):
            item = _loosened(info.annotation, item)
        out[key] = item
    return out


def _explain(error: ValidationError, model: type[BaseModel], where: str) -> str:
    sentences = []
    for fault in error.errors()[:3]:
        place = ".".join(str(p) for p in fault["loc"])
        if fault["type"] == "extra_forbidden":
            known = _siblings(model, fault["loc"])
            near = get_close_matches(str(fault["loc"][-1]), known, n=1)
            hint = f" Did you mean {near[0]}?" if near else f" Known here: {', '.join(known)}."
            sentences.append(f"There is no field {place!r} in {where}.{hint}")
        elif fault["type"] == "missing":
            sentences.append(f"{where[0].upper() + where[1:]} says nothing for {place!r}, which has no default: give it with --{place}.")
        else:
            message = fault["msg"].removeprefix("Value error, ")
            shown = "" if fault["type"] == "value_error" else f" (it is {fault.get('input')!r})"
            sentences.append(f"{place or where}: {message}{shown}.")
    return " ".join(sentences)


def _siblings(model: type[BaseModel], place: Sequence[Any]) -> list[str]:
    current: Any = model
    for key in place[:-1]:
        info = current.model_fields.get(key) if isinstance(current, type) and issubclass(current, BaseModel) else None
        if info is None:
            return []
        current = info.annotation
        inner = [t for t in getattr(current, "__args__", ()) if isinstance(t, type) and issubclass(t, BaseModel)]
        current = inner[0] if inner else current
    return list(current.model_fields) if isinstance(current, type) and issubclass(current, BaseModel) else []
