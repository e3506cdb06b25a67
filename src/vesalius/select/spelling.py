"""Keys as people write them: snake or camel case, and the one that was probably meant."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any

from vesalius.errors import UserError

_UNTOUCHED = ("target",)
"""Mappings whose keys are the user's own words: names of classes."""
_OF_A_STRATEGY = re.compile(r"strategies\[\d+\]\.[^.]+$")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_AS_IT_IS = {"memory_requirement_in_gb": "memory_requirement_in_GB"}


def snake(key: str) -> str:
    """``stoppingConditionMinimumDistance`` -> ``stopping_condition_minimum_distance``; a key in snake case stays as it is."""
    if key in _AS_IT_IS.values():
        return key
    found = _HUMP.sub("_", key).lower().replace("-", "_")
    return _AS_IT_IS.get(found, found)


def snaked(value: Any, where: str = "") -> Any:
    """``value`` with all keys of its mappings in snake case. Raises UserError where one stands there in both spellings."""
    if isinstance(value, list | tuple):
        return [snaked(item, f"{where}[{number}]") for number, item in enumerate(value)]
    if not isinstance(value, Mapping):
        return value
    found: dict[str, Any] = {}
    for key, item in value.items():
        name = snake(str(key))
        place = f"{where}.{name}" if where else name
        if name in found:
            raise UserError(f"{place} is given twice, once as {key}. Leave one of them out.")
        found[name] = item if name in _UNTOUCHED else snaked(item, place)
    return found


def unknown(place: str, known: Iterable[str], elsewhere: Iterable[str] = ()) -> UserError:
    """The error for the key at ``place`` that nobody knows. ``known``: its siblings' names; ``elsewhere``: whole paths of other keys."""
    listed = sorted(dict.fromkeys(known))
    name = place.rpartition(".")[2]
    far = {path.rpartition(".")[2]: path for path in reversed([*elsewhere])}
    near = [] if name in far else get_close_matches(name, listed, n=1)
    alike = [name] if name in far else get_close_matches(name, far, n=1, cutoff=0.8)
    if near:
        hint = f'Did you mean "{near[0]}"?'
    elif _OF_A_STRATEGY.search(place):
        hint = "An entry of strategies has an input and a strategy: {input: {type: EMBEDDINGS}, strategy: {type: DIVERSITY}}."
    elif alike:
        hint = f'Did you mean "{far[alike[0]].replace("[]", "[0]")}"?'
    else:
        hint = f"Known there: {', '.join(listed) or 'nothing'}."
    return UserError(f'There is no key "{place}". {hint}')
