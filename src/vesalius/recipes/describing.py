"""Each field of a recipe with its value, and what it means."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import BaseModel

from vesalius import registry
from vesalius.encoders.build import known_names
from vesalius.recipes.config import Named, PretrainConfig
from vesalius.recipes.finetune_config import FinetuneConfig
from vesalius.recipes.finetune_loading import load_finetune
from vesalius.recipes.layers import raw
from vesalius.recipes.layers import verb_of as named_verb
from vesalius.recipes.loading import load_pretrain
from vesalius.recipes.traced import Traced


def describe(reference: str) -> list[list[str]]:
    """Rows of (dotted name, value, meaning, who says it) for the recipe ``reference``, of whichever verb it is."""
    config: Traced = load_finetune(reference, complete=False) if verb_of(reference) == "finetune" else load_pretrain(reference)[0]
    return [[*row, _said(row[0], config)] for row in _rows(config, "")]


def verb_of(reference: str) -> str:
    """``finetune`` for its recipes by name, and for files with a base or a field that only its recipes have."""
    named = named_verb(reference)
    if named is not None or not Path(reference).is_file():
        return named or "pretrain"
    own = set(FinetuneConfig.model_fields) - set(PretrainConfig.model_fields)
    return "finetune" if own & set(raw(reference)) else "pretrain"


def _said(name: str, config: Traced) -> str:
    """Who says the field ``name``, or the value it is a part of."""
    parts = name.split(".")
    whole = [".".join(parts[:n]) for n in range(len(parts), 0, -1)]
    return next((config.origins[key] for key in whole if key in config.origins), "default")


def _rows(model: BaseModel, prefix: str, meaning: str = "") -> list[list[str]]:
    out: list[list[str]] = []
    for name, info in type(model).model_fields.items():
        value = getattr(model, name)
        if isinstance(value, Named):
            out += _choice(name, value, prefix)
        elif isinstance(value, BaseModel):
            out += _rows(value, f"{prefix}{name}.", info.description or "")
        elif isinstance(value, (list, tuple)) and value and isinstance(value[0], Named):
            for item in value:
                out += _choice(f"{name}.{item.name}", item, prefix, named=False)
        else:
            out.append([f"{prefix}{name}", "" if value is None else str(value), info.description or meaning])
    return out


def _choice(name: str, value: Named, prefix: str, *, named: bool = True) -> list[list[str]]:
    """A choice and the fields of its own config class."""
    group = {"method": "methods", "decoder": "decoders"}.get(name, "monitors" if name.startswith("monitors.") else "")
    networks = [*known_names(), "timm:NAME", "torchvision:NAME", "my_file.py:build"]
    known = [*(["auto"] if name == "decoder" else []), *registry.names(group)] if group else networks
    out = [[f"{prefix}{name}.name" if named else f"{prefix}{name}", value.name, f"One of {', '.join(known)}."]]
    fields: dict[str, Any] = value.fields
    if value.name == "auto":  # what it will be follows from the encoder
        group = ""
    if group:
        model = registry.entry(group, value.name).Config
        for field, info in model.model_fields.items():
            if field != "interval":
                shown = fields.get(field, info.default)
                out.append([f"{prefix}{name}.{field}", str(shown), info.description or ""])
    else:
        out += [[f"{prefix}{name}.{field}", str(shown), f"An option of {value.name}."] for field, shown in fields.items()]
    return out
