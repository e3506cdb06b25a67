"""What a recipe extends, and where each field of what comes of it was said last."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple

from vesalius.errors import UserError
from vesalius.recipes import yaml12
from vesalius.recipes.merging import merge, plain
from vesalius.recipes.shipped import FOLDERS, names, recipe_aliases, shipped_name, text_of

GIVEN = "given with the command"
"""The origin of the user's changes to a recipe."""


class Layer(NamedTuple):
    """``fields`` as one recipe says them, and the name of that recipe, or of its file, as their ``origin``."""

    fields: dict[str, Any]
    origin: str


def layers(reference: str | Path | Mapping[str, Any], verb: str = "pretrain") -> list[Layer]:
    """What ``reference`` (a name, an alias, a YAML file or a mapping) extends, the most basic first, and itself last.

    ``extends: NAME`` means a shipped recipe, ``extends: FILE.yaml`` a file beside the one that says so, or from the
    current folder. Raises UserError for a recipe that is not there or is of another verb, and for a circle.
    """
    found: list[Layer] = []
    chain: list[str] = []
    seen: set[str] = set()
    here: str | Path | Mapping[str, Any] | None = reference
    while here is not None:
        if isinstance(here, Mapping):
            layer, place, folder = Layer(plain(here), "the given mapping"), "", Path()
        else:
            layer, place = _read(str(here), verb, chain)
            folder = Path(here).parent
        if place:
            chain.append(str(here) if place == str(here) else layer.origin)
            if place in seen:
                raise UserError(f"{' extends '.join(chain)}: a circle. Take one `extends` out.")
            seen.add(place)
        parent = layer.fields.pop("extends", None)
        if parent is not None and not isinstance(parent, str):
            raise UserError(f"extends is {parent!r} in {layer.origin}: it names one recipe, or one YAML file.")
        found.append(layer)
        here = parent if parent is None else _beside(folder, parent, verb)
    return found[::-1]


def raw(reference: str | Path | Mapping[str, Any], verb: str = "pretrain") -> dict[str, Any]:
    """The mapping behind ``reference``, ``extends`` resolved."""
    return merged(layers(reference, verb))[0]


def merged(
    given: Sequence[Layer], prepare: Callable[[Mapping[str, Any]], Mapping[str, Any]] = dict
) -> tuple[dict[str, Any], dict[str, str]]:
    """The layers laid over each other, and the origin of each field by its dotted name, monitors by theirs.

    ``prepare``: what is done to the fields of each layer before.
    """
    config: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for layer in given:
        fields = prepare(layer.fields)
        before, said = dict(flat(config)), dict(flat(merge({}, fields)))
        config = merge(config, fields)
        after = dict(flat(config))
        origins = {key: origins[key] for key in origins if key in after}
        origins |= {key: layer.origin for key, value in after.items() if key in said or key not in before or before[key] != value}
    return config, origins


def flat(value: Any, prefix: str = "") -> Iterable[tuple[str, Any]]:
    """Nested fields as (dotted name, value); a list of named entries goes by their names, any other is one value."""
    if isinstance(value, list) and value and all(isinstance(entry, Mapping) and "name" in entry for entry in value):
        value = {str(entry["name"]): {key: of for key, of in entry.items() if key != "name"} or None for entry in value}
    if isinstance(value, Mapping) and value:
        for key, of in value.items():
            yield from flat(of, f"{prefix}.{key}" if prefix else str(key))
    else:
        yield prefix, value


def verb_of(reference: str) -> str | None:
    """The verb whose recipe ``reference`` is, by name or by what its file extends; None where neither says."""
    for _ in range(100):  # a circle is named where the recipe is loaded
        for verb in FOLDERS:
            if shipped_name(reference, verb):
                return verb
        if not Path(reference).is_file():
            return None
        parent = yaml12.read(Path(reference)).get("extends")
        if not isinstance(parent, str):
            return None
        reference = _beside(Path(reference).parent, parent, "")
    return None


def _read(reference: str, verb: str, chain: Sequence[str]) -> tuple[Layer, str]:
    """The one recipe ``reference``, and what tells its place from all others."""
    if name := shipped_name(reference, verb):
        shipped: dict[str, Any] = yaml12.parse(text_of(name, verb), name)
        return Layer(shipped, name), name
    by = f", which {chain[-1]} extends" if chain else ""
    for other in FOLDERS:
        if shipped_name(reference, other):
            raise UserError(f"{reference}{by} is a recipe of another verb: `vesalius {other} {reference}`.")
    path = Path(reference)
    if path.is_file() or (path.suffix in (".yaml", ".yml") and not chain):
        return Layer(yaml12.read(path), path.name), str(path.resolve())
    near = get_close_matches(reference, [*names(verb), *recipe_aliases(verb)], n=2)
    hint = f" Did you mean {' or '.join(near)}?" if near else f" There are {', '.join(names(verb))}."
    raise UserError(f"There is no recipe {reference!r}{by}.{hint} `vesalius recipes list` shows them; a configuration of your own is a .yaml file.")


def _beside(folder: Path, parent: str, verb: str) -> str:
    """``parent`` from the folder of the file that extends it, unless it is a shipped recipe or no such file is there."""
    if any(shipped_name(parent, each) for each in ([verb] if verb else FOLDERS)):
        return parent
    return str(folder / parent) if (folder / parent).is_file() else parent
