"""What was typed or passed by name, ours or an original's, as nested changes to a recipe."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel

from vesalius.errors import UserError
from vesalius.recipes import yaml12
from vesalius.recipes.checking import boolean
from vesalius.recipes.config import PretrainConfig
from vesalius.recipes.finetune_config import FinetuneConfig
from vesalius.recipes.merging import merge, plain, written_out
from vesalius.recipes.shipped import aliases

CONFIGS: Mapping[str, type[BaseModel]] = {"pretrain": PretrainConfig, "finetune": FinetuneConfig}
"""What the recipes of a verb are checked against."""

RECOVERED = ("run_recovery_id", "pretraining_run_recovery_id")
"""Words that name runs: ``recipes.recovery`` takes them before the recipe is read."""


def _fields(verb: str) -> Mapping[str, Any]:
    """An original's arguments of ``verb`` and the field each sets."""
    found: dict[str, Any] = aliases()["fields"]
    return found if verb == "pretrain" else found | aliases()[verb]["fields"]


def words(tokens: Sequence[str]) -> list[tuple[str, str]]:
    """``--a.b=1 --c-d 2 --flag`` -> dotted names with what is said of them, a flag being ``true``.

    Raises UserError for a word that is no field.
    """
    found, i = [], 0
    while i < len(tokens):
        token = tokens[i]
        if not token.startswith("--") or token == "--":  # noqa: S105
            meant = f" If these are the images: --data.train {token}." if Path(token).exists() else ""
            raise UserError(f"{token!r} is not understood here: fields are given as --name value or --name=value.{meant}")
        name, equals, text = token[2:].partition("=")
        if not equals:
            following = tokens[i + 1] if i + 1 < len(tokens) else None
            if following is not None and not following.startswith("--"):
                text, i = following, i + 1
            else:
                text = "true"
        found.append((name.replace("-", "_"), text))
        i += 1
    return found


def pairs(tokens: Sequence[str], verb: str = "pretrain") -> list[tuple[str, Any]]:
    """``words`` with values as the fields of ``verb`` take them."""
    return [(name, _typed(name, text, verb)) for name, text in words(tokens)]


def _typed(name: str, text: str, verb: str) -> Any:
    """``text`` as YAML, but as it is where the field ``name`` is text: a folder may be called 2024 or [a]."""
    if name in RECOVERED:  # an id of digits alone is no number
        return text
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
    """Dotted names with values -> nested changes of ``verb``; aliases are translated. Later ones win.

    Raises UserError for what the original had and this has not, with what does it here.
    """
    known, fields, changes, sentences = aliases(), _fields(verb), {}, []  # type: dict[str, Any], Mapping[str, Any], dict[str, Any], list[str]
    for name, value in given:
        if name in known["without_meaning"] and name not in fields:
            sentences.append(known["without_meaning"][name])
            continue
        if name in known["refused"]:
            raise UserError(f"--{name} is the original's; here {known['refused'][name]}.")
        if name in known["elsewhere"]:
            if boolean(value) is not False:
                raise UserError(f"--{name} says where a run is computed: give it to `vesalius submit azureml`, in front of `-- {verb} ...`.")
            continue
        if name in fields:
            name, value = _translated(fields[name], value)
        *folders, last = name.split(".")
        place = changes
        for folder in folders:
            inner = written_out(folder, place.get(folder, {}))
            if not isinstance(inner, dict):
                raise UserError(f"--{name} sets a field of {folder}, which was given as {inner!r} before. Leave one of them out.")
            place[folder] = inner
            place = inner
        value = written_out(last, plain(value)) if not folders else plain(value)
        if isinstance(value, dict) and isinstance(place.get(last), dict):
            place[last] = merge(place[last], value)
        else:
            place[last] = value
    return changes, sentences


def placed(changes: Mapping[str, Any], out: str | Path | None) -> tuple[dict[str, Any], str | Path | None, list[str]]:
    """``changes`` without an original's words for the run's folder, that folder, and what to say of it.

    Raises UserError where ``out`` and one of the words are both given.
    """
    words = [word for word in aliases()["out"] if changes.get(word) is not None]
    left = {key: value for key, value in changes.items() if key not in aliases()["out"]}
    if not words:
        return left, out, []
    if out is not None:
        raise UserError(f"--out and --{words[0]} both say where the run is written. Give one of them.")
    said = [f"--{word} is passed over beside --{words[0]}: curves and checkpoints lie in the one folder of a run." for word in words[1:]]
    return left, str(changes[words[0]]), said


def _translated(alias: Mapping[str, Any], value: Any) -> tuple[str, Any]:
    """An original's argument as a field of ours and its value."""
    if alias.get("first"):
        value = value[0] if isinstance(value, (list, tuple)) else str(value).split(",")[0]
    if alias.get("split") and isinstance(value, str):
        value = [yaml12.parse(part) for part in value.split(",")]
    renames = alias.get("values", {})
    key = boolean(value) if any(isinstance(k, bool) for k in renames) else value
    return alias["to"], value if isinstance(key, list) else renames.get(key, value)
