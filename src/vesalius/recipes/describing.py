"""Each field of a recipe with its value, and what it means."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import BaseModel

from vesalius import registry
from vesalius.encoders.build import known_names
from vesalius.recipes import yaml12
from vesalius.recipes.config import Named, PretrainConfig
from vesalius.recipes.finetune_config import FinetuneConfig
from vesalius.recipes.finetune_loading import load_finetune
from vesalius.recipes.loading import load_pretrain, names, recipe_aliases


def describe(reference: str) -> list[list[str]]:
    """Rows of (dotted name, value, meaning) for the recipe ``reference``, of whichever verb it is."""
    if verb_of(reference) == "finetune":
        return _rows(load_finetune(reference, complete=False), "")
    config, _ = load_pretrain(reference)
    return _rows(config, "")


def verb_of(reference: str) -> str:
    """``finetune`` for its recipes by name, and for files with a field or base that only its recipes have."""
    if reference in (*names("finetune"), *recipe_aliases("finetune")):
        return "finetune"
    if reference in (*names(), *recipe_aliases("pretrain")) or not Path(reference).is_file():
        return "pretrain"
    fields = yaml12.read(Path(reference))
    own = set(FinetuneConfig.model_fields) - set(PretrainConfig.model_fields)
    return "finetune" if own & set(fields) or fields.get("extends") in names("finetune") else "pretrain"


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
    group = {"method": "methods"}.get(name, "monitors" if name.startswith("monitors.") else "")
    known = registry.names(group) if group else [*known_names(), "timm:NAME", "torchvision:NAME", "my_file.py:build"]
    out = [[f"{prefix}{name}.name" if named else f"{prefix}{name}", value.name, f"One of {', '.join(known)}."]]
    fields: dict[str, Any] = value.fields
    if group:
        model = registry.entry(group, value.name).Config
        for field, info in model.model_fields.items():
            if field != "interval":
                shown = fields.get(field, info.default)
                out.append([f"{prefix}{name}.{field}", str(shown), info.description or ""])
    else:
        out += [[f"{prefix}{name}.{field}", str(shown), f"An option of {value.name}."] for field, shown in fields.items()]
    return out
