"""The Lightly Worker's three dictionaries as fields of ours, by the table of their keys."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from pydantic import TypeAdapter, ValidationError

from vesalius import registry
from vesalius.errors import UserError
from vesalius.recipes.checking import boolean
from vesalius.select import old_names
from vesalius.select.keys import DICTIONARIES, KEYS, NONE, Key
from vesalius.select.spelling import snaked, unknown

_TAKEN_WHOLE = ("selection.strategies", "tiles")
"""Fields that are lists of entries: they are taken as they are when every key in them is known."""


def translated(given: Mapping[str, Any], *, compat: bool = False, training: bool = False) -> tuple[dict[str, Any], list[str]]:
    """Fields of ours, by dotted name, that the dictionaries in ``given`` set, and what to tell the user of them.

    ``compat``: what they leave open takes the Worker's defaults. ``training``: something is trained, whatever they say.
    Raises UserError for a key that nobody knows (naming its place and the nearest), a value out of its range, and what cannot be had here.
    """
    plain = {name: snaked(given.get(name) or {}, name) for name in DICTIONARIES}
    for name, value in plain.items():
        if not isinstance(value, Mapping):
            raise UserError(f"{name} is {value!r}: it should be a mapping of keys to values.")
    _refuse_unknown(plain)
    values = {place: value for place, value in _leaves(plain) if value is not None}
    fields: dict[str, Any] = {}
    sentences: list[str] = []
    for place, value in values.items():
        key = by_path()[_general(place)]
        checked = _checked(key, place, value)
        if key.fate == "accepted":
            sentences.append(f"{place} has no effect here: {key.says}.")
        elif key.fate != "works" and checked not in key.harmless:
            raise UserError(f"{place} was given as {value!r}: {key.says}.")
        elif key.fate == "works" and key.to not in _TAKEN_WHOLE and key.path != old_names.AMOUNT:
            fields[key.to] = key.turn(checked) if key.turn is not None else checked
    selection, worker = plain["selection_config"], plain["worker_config"]
    if selection.get("strategies") is not None:
        fields["selection.strategies"] = selection["strategies"]
    if selection.get("auto_tasks") is not None:
        fields["tiles"] = [{key: value for key, value in entry.items() if key != "type"} for entry in selection["auto_tasks"]]
    _one_checkpoint(worker)
    if worker.get("checkpoint_run_id"):
        fields |= {"encoder": worker["checkpoint_run_id"], "encoder_run": True}
    elif worker.get("checkpoint"):
        fields["encoder"] = worker["checkpoint"]
    else:
        fields.pop("encoder", None)
    old, more = old_names.translated(worker, bool(selection))
    fields |= old
    sentences += more
    if compat:
        fields = {**worker_defaults(), **fields}
    return _trained_or_not(fields, plain, sentences, training), sentences


@cache
def by_path() -> Mapping[str, Key]:
    """The table of keys by path."""
    return {key.path: key for key in KEYS}


def worker_defaults() -> dict[str, Any]:
    """The Worker's own settings as fields of ours."""
    numbers = [key for key in KEYS if key.path.startswith("lightly_config.") and key.fate == "works" and key.worker is not NONE]
    return {key.to: key.turn(key.worker) if key.turn is not None else key.worker for key in numbers} | {"layer": "embedding"}


def _trained_or_not(fields: dict[str, Any], plain: Mapping[str, Any], sentences: list[str], training: bool) -> dict[str, Any]:
    """``fields`` with those of a training where one is wanted, and none where not."""
    wanted = bool(fields.pop("training", False)) or training
    epochs = fields.get("training.epochs", 100)
    if wanted and epochs == 0:
        sentences.append("lightly_config.trainer.max_epochs is 0: nothing is trained, and images are embedded only.")
        wanted = False
    if wanted:
        return {"training.epochs": 100, **fields}
    told = [name for name in plain["lightly_config"] if name not in ("model", "seed")]
    if told and epochs:
        sentences.append(f"lightly_config.{told[0]} has no effect: worker_config.enable_training is not true, so nothing is trained.")
    return {name: value for name, value in fields.items() if not name.startswith("training.")}


def _one_checkpoint(worker: Mapping[str, Any]) -> None:
    if worker.get("checkpoint") and worker.get("checkpoint_run_id"):
        raise UserError("worker_config.checkpoint and worker_config.checkpoint_run_id both say which encoder is meant. Leave one of them out.")


def _leaves(value: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    """Every value with its place; a list of entries is entered, any other list is a value."""
    if isinstance(value, Mapping) and _general(place) not in by_path():
        for key, item in value.items():
            yield from _leaves(item, f"{place}.{key}" if place else str(key))
    elif isinstance(value, list) and any(path.startswith(f"{_general(place)}[]") for path in by_path()):
        for number, item in enumerate(value):
            yield from _leaves(item, f"{place}[{number}]")
    elif _general(place) in by_path():
        yield place, value


def _general(place: str) -> str:
    return re.sub(r"\[\d+\]", "[]", place)


def _refuse_unknown(value: Any, place: str = "", open_: frozenset[str] = frozenset()) -> None:
    """``open_``: names known at this place besides those of the table."""
    general = _general(place)
    if general in by_path():
        return
    if isinstance(value, list):
        for number, item in enumerate(value):
            _refuse_unknown(item, f"{place}[{number}]")
        return
    below = {path[len(general) :] for path in by_path() if path.startswith(general)}
    names = {re.split(r"[.\[]", rest.lstrip("."))[0] for rest in below if rest[:1] in (".", "") or not place}
    if not isinstance(value, Mapping):
        if value is not None:
            raise UserError(f"{place} is {value!r}: it should be {'a list' if any(rest.startswith('[') for rest in below) else 'a mapping'}.")
        return
    for key, item in value.items():
        here = f"{place}.{key}" if place else str(key)
        if key in open_:
            continue
        if key not in names:
            raise unknown(here, names | open_, by_path())
        _refuse_unknown(item, here, _of_type(item, key) if general.endswith("strategies[]") else frozenset())


def _of_type(entry: Any, part: str) -> frozenset[str]:
    """The fields of the type that an ``input`` or ``strategy`` names, ours included."""
    group = {"input": "inputs", "strategy": "strategies"}.get(part, "")
    name = str(entry.get("type", "")).lower().replace("_", "-") if isinstance(entry, Mapping) else ""
    return frozenset(registry.entry(group, name).Config.model_fields) if group and name in registry.names(group) else frozenset()


def _checked(key: Key, place: str, value: Any) -> Any:
    try:
        return TypeAdapter(key.kind).validate_python(boolean(value) if key.kind is bool else value)
    except ValidationError as error:
        said = error.errors()[0]["msg"].replace("Input should be", "it should be")
        raise UserError(f"{place} was given as {value!r}: {said[0].lower() + said[1:]}.") from None
