"""A mapping against the type it must fit: the one paragraph that says which key is wrong and what was probably meant."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from vesalius.errors import UserError

C = TypeVar("C", bound=BaseModel)


def check(model: type[C], value: Mapping[str, Any], where: str = "the recipe") -> C:
    """``value`` as a ``model``, or one paragraph saying which key is wrong and what was probably meant.

    Raises UserError with that paragraph.
    """
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
            item = boolean(item)
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
            inside = "" if re.search(r"\.\d+(\.|$)", place) else place.rpartition(".")[0]  # an entry of a list is typed by its name
            hint = nearest(str(fault["loc"][-1]), _siblings(model, fault["loc"]), inside)
            sentences.append(f"There is no field {place!r} in {where}.{hint}")
        elif fault["type"] == "missing":
            by = f" with --{place}" if where in ("the recipe", "the job") else ""
            sentences.append(f"{where[0].upper() + where[1:]} says nothing for {place!r}, which has no default: give it{by}.")
        elif fault["type"] == "value_error":
            sentences.append(f"{place or where}: {fault['msg'].removeprefix('Value error, ')}.")
        else:
            said = fault["msg"].replace("Input should be", "it should be").replace("a valid dictionary", "a mapping, as {name: value}")
            wrong.setdefault(place or where, (fault.get("input"), []))[1].append(said[0].lower() + said[1:])
    for place, (given, reasons) in wrong.items():
        shown = repr(given)
        shown = shown if len(shown) <= 60 else f"{shown[:57]}..."
        sentences.append(f"In {where}, {place} is {shown}: {', or '.join(dict.fromkeys(reasons))}.")
    return " ".join(sentences[:3])


def nearest(key: str, known: Sequence[str], inside: str = "") -> str:
    """A sentence with the one of ``known`` that was probably meant, as it is typed ``inside`` its field, or with all of them."""
    near = get_close_matches(key, known, n=1)
    return f" Did you mean {f'{inside}.' if inside else ''}{near[0]}?" if near else f" Known here: {', '.join(known) or 'none'}."


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


def boolean(value: Any) -> Any:
    """What people type for yes and no."""
    words = {"yes": True, "no": False, "on": True, "off": False, "t": True, "f": False, "y": True, "n": False}
    if isinstance(value, str):
        return words.get(value.lower(), {"true": True, "false": False}.get(value.lower(), value))
    return bool(value) if value in (0, 1) else value
