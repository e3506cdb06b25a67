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
}
"""Group of the entry point and the package whose files are its entries (``_`` in a file name is ``-`` in the name)."""

_NEEDS: Mapping[str, tuple[str, ...]] = {
    "methods": ("Config", "build"),
    "monitors": ("Config", "build"),
    "sources": ("index",),
    "exports": ("refusal", "write", "reload"),
}
"""What a module must have to be an entry of a group."""

_plugins: dict[str, dict[str, tuple[str, ModuleType]]] = {}


@cache
def names(group: str) -> Mapping[str, str]:
    """Every name of ``group`` with where it comes from: ``module`` or ``module:attribute``. Imports nothing."""
    package = GROUPS[group]
    spec = importlib.util.find_spec(package)
    assert spec is not None
    assert spec.submodule_search_locations is not None
    found: dict[str, str] = {}
    for folder in spec.submodule_search_locations:
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


def entry(group: str, name: str) -> ModuleType:
    """The module behind ``name``. Raises UserError with the nearest names when there is none."""
    known = names(group)
    if name not in known:
        near = get_close_matches(name, known, n=3)
        hint = f" Did you mean {', '.join(near)}?" if near else ""
        raise UserError(f"There is no {name!r} among the {group}.{hint} Known: {', '.join(known)}.")
    for plugin_name, (_, module) in _plugins.get(group, {}).items():
        if plugin_name == name:
            return module
    return importlib.import_module(known[name].partition(":")[0])


def load_plugin(file: str | Path) -> dict[str, str]:
    """Import a user's file and register what it says it is; returns ``{path, sha256}`` for the run's record.

    The file names its entries in ``VESALIUS = {"methods": ["my-method"], ...}``; each entry is the module itself.
    """
    path = Path(file).resolve()
    if not path.is_file():
        raise UserError(f"The plugin {path} is not a file. Give the path of a Python file.")
    module = import_file(path)
    entries: Mapping[str, list[str]] = getattr(module, "VESALIUS", {})
    if not isinstance(entries, Mapping) or not entries:
        raise UserError(f"{path.name} registers nothing: give it VESALIUS = {{'methods': ['its-name']}}.")
    for group, group_names in entries.items():
        _check_entry(path, module, group, group_names)
    for group, group_names in entries.items():
        for name in group_names:
            _plugins.setdefault(group, {})[name] = (str(path), module)
    names.cache_clear()
    return {"path": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}


def _check_entry(path: Path, module: ModuleType, group: str, group_names: list[str]) -> None:
    """Refuse a plugin's entry before anything is registered, so that a clash does not stay."""
    if group not in GROUPS:
        raise UserError(f"{path.name} registers {group!r}, which is no group. Groups: {', '.join(GROUPS)}.")
    missing = [attribute for attribute in _NEEDS[group] if not hasattr(module, attribute)]
    if missing:
        raise UserError(f"{path.name} registers {', '.join(group_names)} among the {group}, but has no {' and no '.join(missing)}. Add it.")
    mine = _plugins.get(group, {})
    for name in group_names:
        place = names(group).get(name)
        if place is not None and name not in mine:
            raise UserError(f"The name {name!r} in {group} is given by both {place} and {path}. Rename one.")


def import_file(path: Path) -> ModuleType:
    """Import the Python file ``path`` as a module of its own name space."""
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
    """``my_file.py:name`` or ``package.module:name`` to the object."""
    place, _, attribute = reference.rpartition(":")
    module = import_file(Path(place).resolve()) if place.endswith(".py") else importlib.import_module(place)
    if not hasattr(module, attribute):
        raise UserError(f"{place} has no {attribute!r}. Give the name of a function or class that stands in it.")
    return getattr(module, attribute)
