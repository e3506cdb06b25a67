"""From a recipe's name, a file or a mapping, and the user's changes, to a checked configuration."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from pathlib import Path
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from vesalius import registry
from vesalius.encoders.build import check_options
from vesalius.errors import UserError
from vesalius.recipes import yaml12
from vesalius.recipes.compat import compat_changes
from vesalius.recipes.config import MonitorConfig, PretrainConfig
from vesalius.recipes.finetune_config import FinetuneConfig

C = TypeVar("C", bound=BaseModel)
CHOICES = ("encoder", "method", "optimizer")
"""Fields whose ``name`` picks an entry: a new name forgets the old entry's fields."""
KEPT: Mapping[str, Sequence[str]] = {"encoder": ("freeze", "lr_factor", "min_match")}
"""Fields of a choice that are not its entry's: a new name keeps them."""
FOLDERS: Mapping[str, str] = {"pretrain": "library", "finetune": "classifiers"}
"""Where the recipes of a verb lie."""
CONFIGS: Mapping[str, type[BaseModel]] = {"pretrain": PretrainConfig, "finetune": FinetuneConfig}
"""What the recipes of a verb are checked against."""
_UNITS = ("epochs", "steps", "share")
"""Ways to say how long something is: a new one forgets the old one."""
_DEFAULT_MONITORS: Sequence[MonitorConfig] = PretrainConfig.model_fields["monitors"].default


@cache
def aliases() -> dict[str, Any]:
    """``aliases.yaml``."""
    found: dict[str, Any] = yaml12.parse((files(__package__) / "aliases.yaml").read_text(encoding="utf-8"), "aliases.yaml")
    return found


@cache
def names(verb: str = "pretrain") -> tuple[str, ...]:
    """The recipes of ``verb`` Vesalius ships."""
    folder = files(__package__) / FOLDERS[verb]
    return tuple(sorted(item.name.removesuffix(".yaml") for item in folder.iterdir() if item.name.endswith(".yaml")))


def raw(reference: str | Path | Mapping[str, Any]) -> dict[str, Any]:
    """The mapping behind a recipe's name, an alias, a YAML file or a mapping, ``extends`` resolved."""
    found: dict[str, Any] = {}
    for layer in layers(reference):
        found = merge(found, layer)
    return found


def layers(
    reference: str | Path | Mapping[str, Any], verb: str = "pretrain", below: tuple[str, ...] = ()
) -> list[dict[str, Any]]:
    """What ``reference`` extends, the most basic first, and itself last. A recipe of another verb is refused."""
    if isinstance(reference, Mapping):
        found: dict[str, Any] = _plain(reference)
    else:
        reference = str(reference)
        if reference in below:
            raise UserError(f"{' extends '.join([*below, reference])}: a circle. Take one `extends` out.")
        below = (*below, reference)
        found = _read(reference, verb)
    parent = found.pop("extends", None)
    if parent is None:
        return [found]
    if not isinstance(reference, Mapping) and (beside := Path(reference).parent / str(parent)).is_file():
        parent = str(beside)
    return [*layers(parent, verb, below), found]


def recipe_aliases(verb: str) -> Mapping[str, str]:
    """Other names of the recipes of ``verb``."""
    found: Mapping[str, str] = (aliases() if verb == "pretrain" else aliases()[verb])["recipes"]
    return found


def _read(reference: str, verb: str) -> dict[str, Any]:
    name = recipe_aliases(verb).get(reference, reference)
    if name in names(verb):
        text = (files(__package__) / FOLDERS[verb] / f"{name}.yaml").read_text(encoding="utf-8")
        shipped: dict[str, Any] = yaml12.parse(text, name)
        return shipped
    for other in FOLDERS:
        if reference in (*names(other), *recipe_aliases(other)):
            raise UserError(f"{reference} is a recipe of another verb: `vesalius {other} {reference}`.")
    if reference.endswith((".yaml", ".yml")) or Path(reference).is_file():
        return yaml12.read(Path(reference))
    every = [*names(verb), *recipe_aliases(verb)]
    near = get_close_matches(reference, every, n=2)
    hint = f" Did you mean {' or '.join(near)}?" if near else ""
    raise UserError(
        f"There is no recipe {reference!r}.{hint} `vesalius recipes list` shows them ({', '.join(names(verb))}); "
        "a configuration of your own is a .yaml file."
    )


def _plain(value: Any) -> Any:
    """A copy in dictionaries, lists and scalars: paths become text."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
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
        old, value = _choice(key, out.get(key)), _choice(key, _plain(given))
        renamed = isinstance(value, dict) and isinstance(old, dict) and value.get("name", old.get("name")) != old.get("name")
        if key == "monitors":
            out[key] = _monitors(old, value)
        elif isinstance(value, dict) and isinstance(old, dict) and not (key in CHOICES and renamed):
            out[key] = merge(old, value)
        elif isinstance(value, dict) and isinstance(old, dict):
            out[key] = {k: old[k] for k in KEPT.get(key, ()) if k in old} | value
        else:
            out[key] = value
    return out


def _choice(key: str, value: Any) -> Any:
    """``value`` written out where one word was given for more."""
    if key == "plugins" and isinstance(value, str):
        return [value]
    return {"name": value} if key in CHOICES and isinstance(value, str) else value


def _monitors(old: Any, given: Any) -> Any:
    """The list of monitors: a list replaces the old one, a mapping changes or adds the entries it names."""
    if not isinstance(given, dict):
        return [{"name": entry} if isinstance(entry, str) else entry for entry in given] if isinstance(given, list) else given
    entries = [dict(entry) for entry in old] if isinstance(old, list) else [{"name": m.name} for m in _DEFAULT_MONITORS]
    for name, fields in given.items():
        if not isinstance(fields, dict | None):
            raise UserError(f"monitors.{name} is {fields!r}; give its fields, as in --monitors.{name}.every.epochs 1.")
        mine = [place for place, entry in enumerate(entries) if entry.get("name") == name]
        for place in mine:
            entries[place] = merge(entries[place], fields or {})
        if not mine:
            entries.append({"name": name, **(fields or {})})
    return entries


def _fields(verb: str) -> Mapping[str, Any]:
    """An original's arguments of ``verb`` and the field each sets."""
    found: dict[str, Any] = aliases()["fields"]
    return found if verb == "pretrain" else found | aliases()[verb]["fields"]


def pairs(tokens: Sequence[str], verb: str = "pretrain") -> list[tuple[str, Any]]:
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
        name = name.replace("-", "_")
        found.append((name, _typed(name, text, verb)))
        i += 1
    return found


def _typed(name: str, text: str, verb: str) -> Any:
    """``text`` as YAML, but as it is where the field ``name`` is text: a folder may be called 2024 or [a]."""
    target = _fields(verb).get(name, {"to": name})["to"]
    if target != "encoder.weights" and not _is_text(target, CONFIGS[verb]):  # beside the encoder's name fields are open
        return yaml12.parse(text, f"--{name}")
    if text in ("null", "~", "") or (text.startswith("[") and target == "data.labels"):
        return yaml12.parse(text, f"--{name}")
    return text


def _is_text(name: str, model: Any) -> bool:
    for part in name.split("."):
        info = model.model_fields.get(part) if isinstance(model, type) and issubclass(model, BaseModel) else None
        if info is None:
            return False
        model = info.annotation
    kinds = get_args(model) if get_origin(model) in (Union, UnionType) else (model,)
    return str in kinds and not {int, float, bool, Mapping[str, Any]} & set(kinds)


def from_pairs(given: Iterable[tuple[str, Any]], verb: str = "pretrain") -> tuple[dict[str, Any], list[str]]:
    """Dotted names with values -> nested changes of ``verb``; aliases are translated. Later ones win."""
    known, fields, changes, sentences = aliases(), _fields(verb), {}, []  # type: dict[str, Any], Mapping[str, Any], dict[str, Any], list[str]
    for name, value in given:
        if name in known["without_meaning"]:
            sentences.append(known["without_meaning"][name])
            continue
        if name in fields:
            name, value = _translated(fields[name], value)
        *folders, last = name.split(".")
        place = changes
        for folder in folders:
            inner = _choice(folder, place.get(folder, {}))
            if not isinstance(inner, dict):
                raise UserError(f"--{name} sets a field of {folder}, which was given as {inner!r} before. Leave one of them out.")
            place[folder] = inner
            place = inner
        value = _choice(last, _plain(value)) if not folders else _plain(value)
        if isinstance(value, dict) and isinstance(place.get(last), dict):
            place[last] = merge(place[last], value)
        else:
            place[last] = value
    return changes, sentences


def _translated(alias: Mapping[str, Any], value: Any) -> tuple[str, Any]:
    """An original's argument as a field of ours and its value."""
    if alias.get("first"):
        value = value[0] if isinstance(value, (list, tuple)) else str(value).split(",")[0]
    renames = alias.get("values", {})
    key = _boolean(value) if any(isinstance(k, bool) for k in renames) else value
    return alias["to"], renames.get(key, value)


def _boolean(value: Any) -> Any:
    """What people type for yes and no."""
    words = {"yes": True, "no": False, "on": True, "off": False, "t": True, "f": False, "y": True, "n": False}
    if isinstance(value, str):
        return words.get(value.lower(), {"true": True, "false": False}.get(value.lower(), value))
    return bool(value) if value in (0, 1) else value


def load_pretrain(
    reference: str | Path | Mapping[str, Any], changes: Mapping[str, Any] | None = None
) -> tuple[PretrainConfig, list[str]]:
    """The checked configuration of a pretraining and what to tell the user about it.

    Order: recipe, then the user's ``changes``; what ``compat`` brings back lies below the layer that says ``compat``,
    so that a resolved configuration is run again as it is. Raises UserError naming the key, with the nearest known one.
    """
    given = [*layers(reference), dict(changes or {})]
    config: dict[str, Any] = {}
    for layer in given:
        config = merge(config, layer)
    for plugin in config.get("plugins") or ():
        registry.load_plugin(plugin)
    sentences: list[str] = []
    if config.get("compat", "none") != "none":
        said = max(i for i, layer in enumerate(given) if "compat" in layer)
        method = str((config.get("method") or {}).get("name", PretrainConfig.model_fields["method"].default.name))
        brought, sentences = compat_changes(str(config["compat"]), method, int(os.environ.get("WORLD_SIZE", "1")))
        config = {}
        for layer in (*given[:said], brought, *given[said:]):
            config = merge(config, layer)
    checked = check(PretrainConfig, config)
    check(registry.entry("methods", checked.method.name).Config, checked.method.fields, f"method {checked.method.name}")
    check_options(checked.encoder.name, checked.encoder.fields)
    for monitor in checked.monitors:
        monitor_settings(checked, monitor)
    return checked, sentences


def needs_labels(monitor: str) -> bool:
    """Whether the monitor of that registered name reads labels."""
    return bool(getattr(registry.entry("monitors", monitor), "NEEDS_LABELS", True))


def monitor_settings(config: PretrainConfig, given: MonitorConfig) -> BaseModel:
    """The checked fields of one monitor, its interval and ``compat`` among them."""
    model: type[BaseModel] = registry.entry("monitors", given.name).Config
    own = [name for name in model.model_fields if name != "interval"]
    for key in given.fields:
        if key not in own:
            known = [*own, *(name for name in MonitorConfig.model_fields if name != "name")]
            raise UserError(f"There is no field {key!r} in monitor {given.name}.{_nearest(key, known)}")
    fields = {**given.fields, "interval": given.every or config.validate_every}
    if config.compat != "none" and "compat" in own:
        fields.setdefault("compat", config.compat)
    return check(model, fields, f"monitor {given.name}")


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
    sentences: list[str] = []
    wrong: dict[str, tuple[Any, list[str]]] = {}
    for fault in error.errors():
        place = ".".join(str(p) for p in _field(model, fault["loc"]))
        if fault["type"] == "extra_forbidden":
            hint = _nearest(str(fault["loc"][-1]), _siblings(model, fault["loc"]))
            sentences.append(f"There is no field {place!r} in {where}.{hint}")
        elif fault["type"] == "missing":
            sentences.append(f"{where[0].upper() + where[1:]} says nothing for {place!r}, which has no default: give it with --{place}.")
        elif fault["type"] == "value_error":
            sentences.append(f"{place or where}: {fault['msg'].removeprefix('Value error, ')}.")
        else:
            said = fault["msg"].replace("Input should be", "it should be")
            wrong.setdefault(place or where, (fault.get("input"), []))[1].append(said[0].lower() + said[1:])
    for place, (given, reasons) in wrong.items():
        shown = repr(given)
        shown = shown if len(shown) <= 60 else f"{shown[:57]}..."
        sentences.append(f"In {where}, {place} is {shown}: {', or '.join(dict.fromkeys(reasons))}.")
    return " ".join(sentences[:3])


def _nearest(key: str, known: Sequence[str]) -> str:
    near = get_close_matches(key, known, n=1)
    return f" Did you mean {near[0]}?" if near else f" Known here: {', '.join(known) or 'none'}."


def _field(model: Any, place: Sequence[Any]) -> list[Any]:
    """``place`` without what pydantic appends for each member of a union."""
    found = []
    for key in place:
        fields = model.model_fields if isinstance(model, type) and issubclass(model, BaseModel) else None
        if fields is None and not isinstance(key, int):
            break
        found.append(key)
        if isinstance(key, int):
            continue
        model = _inner(fields[key].annotation) if fields is not None and key in fields else None
    return found


def _inner(annotation: Any) -> Any:
    """The model in an annotation like ``Interval | None`` or ``Sequence[MonitorConfig]``."""
    inner = [t for t in get_args(annotation) if isinstance(t, type) and issubclass(t, BaseModel)]
    return inner[0] if inner else annotation


def _siblings(model: Any, place: Sequence[Any]) -> list[str]:
    for key in place[:-1]:
        if isinstance(model, type) and issubclass(model, BaseModel) and key in model.model_fields:
            model = _inner(model.model_fields[key].annotation)
    return list(model.model_fields) if isinstance(model, type) and issubclass(model, BaseModel) else []
