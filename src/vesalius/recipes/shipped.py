"""The recipes Vesalius ships, by verb, and the other names that users of the four systems know them by."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from vesalius.recipes import yaml12

FOLDERS: Mapping[str, str] = {"pretrain": "library", "finetune": "classifiers"}
"""Where the recipes of a verb lie."""


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


def recipe_aliases(verb: str) -> Mapping[str, str]:
    """Other names of the recipes of ``verb``."""
    found: Mapping[str, str] = (aliases() if verb == "pretrain" else aliases()[verb])["recipes"]
    return found


def shipped_name(reference: str, verb: str) -> str | None:
    """The recipe of ``verb`` that ``reference`` names, by its own or another name; None where there is none."""
    name = recipe_aliases(verb).get(reference, reference)
    return name if name in names(verb) else None


def text_of(name: str, verb: str) -> str:
    """The YAML of a shipped recipe."""
    return (files(__package__) / FOLDERS[verb] / f"{name}.yaml").read_text(encoding="utf-8")
