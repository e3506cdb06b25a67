"""Names to code: ours by file name, packages' by entry point, a user's file by ``plugins``.

Names are listed without importing anything; the module is imported when the name is used. A name given twice is an
error that says both places.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import sys
import traceback
from collections.abc import Mapping
from difflib import get_close_matches
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

from vesalius.errors import UserError

GROUPS: Mapping[str, str] = {
    "methods": "vesalius.methods",
    "sources": "vesalius.data.sources",
    "exports": "vesalius.encoders.exporting",
    "monitors": "vesalius.training.monitors",
    "trackers": "vesalius.runs.trackers",
    "decoders": "vesalius.tasks.decoders",
    "protocols": "vesalius.evaluate.protocols",
    "zoo": "vesalius.encoders.zoo",
    "strategies": "vesalius.select.strategies",
    "inputs": "vesalius.select.inputs",
    "formats": "vesalius.select.handing",
    "boxes": "vesalius.data.boxes.formats",
    "operations": "",
}
"""Group of the entry point and the package whose files are its entries (``_`` in a file name is ``-`` in the name).

Operations of views are classes, of which a file of ours holds several: ``views.recipe.known`` lists those.
"""

_NEEDS: Mapping[str, tuple[str, ...]] = {
    "methods": ("Config", "build"),
    "monitors": ("Config", "build"),
    "sources": ("index",),
    "exports": ("refusal", "write", "reload"),
    "trackers": ("Config", "build"),
    "decoders": ("PREFIX", "Config", "refusal", "build"),
    "protocols": ("Config", "TAKES", "examine"),
    "zoo": ("MODELS", "tensors"),
    "strategies": ("Config", "TAKES", "build"),
    "inputs": ("Config", "GIVES", "title", "read"),
    "formats": ("NEEDS", "write"),
    "boxes": ("tasks", "read"),
    "operations": ("model_fields", "draw"),
}
"""What a module, or an object given by name, must have to be an entry of a group."""
_BY_CALL = ("sources",)
"""Groups in which whatever can be called may stand in for a module: a class or function that makes a data set."""

_plugins: dict[str, dict[str, tuple[str, Any]]] = {}


@cache
def names(group: str) -> Mapping[str, str]:
    """Every name of ``group`` with where it comes from: ``module`` or ``module:attribute``. Imports nothing.

    Raises UserError for another group, or a name that is given twice.
    """
    if group not in GROUPS:
        raise UserError(f"There is no group {group!r}. Groups of names: {', '.join(GROUPS)}.")
    found: dict[str, str] = {}
    package = GROUPS[group]
    spec = importlib.util.find_spec(package) if package else None
    for folder in (spec.submodule_search_locations or ()) if spec is not None else ():
        for file in sorted(Path(folder).glob("*.py")):
            if not file.stem.startswith("_"):
                found[file.stem.replace("_", "-")] = f"{package}.{file.stem}"
    for point in entry_points(group=f"vesalius.{group}"):
        if point.name in found:
            raise UserError(f"The name {point.name!r} in {group} is given by both {found[point.name]} and {point.value}. Rename one.")
        found[point.name] = point.value
    for name, (place, _) in _plugins.get(group, {}).items():
        if name in found:
            raise UserError(f"The name {name!r} in {group} is given by both {found[name]} and {place}. Rename one.")
        found[name] = place
    return found


def entry(group: str, name: str) -> Any:
    """The module behind ``name``, or the object that an entry point or plugin gives; UserError with the nearest names where
    there is none, or where a package's entry cannot be used.
    """
    known = names(group)
    if name not in known:
        near = get_close_matches(name.lower(), known, n=3)
        hint = f" Did you mean {', '.join(near)}?" if near else ""
        raise UserError(f"There is no {name!r} among the {group}.{hint} Known: {', '.join(known)}.")
    if name in _plugins.get(group, {}):
        return _plugins[group][name][1]
    place, _, attribute = known[name].partition(":")
    try:
        found: Any = importlib.import_module(place)
        found = getattr(found, attribute) if attribute else found
    except (ImportError, AttributeError) as error:
        if place.partition(".")[0] == __name__.partition(".")[0]:
            raise
        raise UserError(
            f"{name!r} in {group} is given by a package as {known[name]}, which could not be imported: {type(error).__name__}, {error}. "
            "Repair or remove that package."
        ) from error
    return found


def load_plugin(file: str | Path) -> dict[str, str]:
    """Import a user's file and register what it says it is; returns ``{path, sha256}`` for the run's record.

    The file names its entries in ``VESALIUS = {"methods": ["my-method"], ...}``, each being the module itself, or gives an
    object to each name: ``{"sources": {"my-set": MySet}, "operations": {"speckle": Speckle}}``.
    Raises UserError where the file is missing, fails, or registers nothing.
    """
    path = Path(file).resolve()
    if not path.is_file():
        raise UserError(f"The plugin {path} is not a file. Give the path of a Python file.")
    module = import_file(path)
    entries: Mapping[str, Any] = getattr(module, "VESALIUS", {})
    if not isinstance(entries, Mapping) or not entries:
        raise UserError(f"{path.name} registers nothing: give it VESALIUS = {{'methods': ['its-name']}}.")
    for group, given in entries.items():
        _check_entry(path, module, group, given)
    for group, given in entries.items():
        for name in given:
            _plugins.setdefault(group, {})[name] = (str(path), given[name] if isinstance(given, Mapping) else module)
    names.cache_clear()
    return {"path": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}


def _check_entry(path: Path, module: ModuleType, group: str, given: Mapping[str, Any] | list[str]) -> None:
    """Refuse a plugin's entry before anything is registered, so that a clash does not stay."""
    if group not in GROUPS:
        raise UserError(f"{path.name} registers {group!r}, which is no group. Groups: {', '.join(GROUPS)}.")
    for name in given:
        made = given[name] if isinstance(given, Mapping) else module
        missing = [attribute for attribute in _NEEDS[group] if not hasattr(made, attribute)]
        if missing and not (group in _BY_CALL and callable(made)):
            raise UserError(f"{path.name} registers {name} among the {group}, but has no {' and no '.join(missing)}. Add it.")
    mine = _plugins.get(group, {})
    for name in given:
        place = names(group).get(name)
        if place is not None and name not in mine:
            raise UserError(f"The name {name!r} in {group} is given by both {place} and {path}. Rename one.")


def import_file(path: Path) -> ModuleType:
    """Import the Python file ``path`` as a module of its own name space. Raises UserError where it is missing or fails."""
    if not path.is_file():
        raise UserError(f"{path} is not a file. Give the path of a Python file.")
    # by content too: a file that was edited is another module
    name = f"vesalius_user_{path.stem}_{hashlib.sha256(str(path).encode() + path.read_bytes()).hexdigest()[:8]}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise UserError(f"{path} cannot be imported as a Python file.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        line = error.lineno if isinstance(error, SyntaxError) else _last_line(error, path)
        where = f" at line {line}" if line else ""
        raise UserError(f"{path} could not be imported{where}: {type(error).__name__}, {error}. Correct it there.") from error
    return module


def _last_line(error: Exception, path: Path) -> int | None:
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    return lines[-1] if lines else None


def import_attribute(reference: str) -> Any:
    """``my_file.py:name`` or ``package.module:name`` to the object. Raises UserError where either is missing."""
    place, _, attribute = reference.rpartition(":")
    module = import_file(Path(place).resolve()) if place.endswith(".py") else importlib.import_module(place)
    if not hasattr(module, attribute):
        raise UserError(f"{place} has no {attribute!r}. Give the name of a function or class that stands in it.")
    return getattr(module, attribute)
