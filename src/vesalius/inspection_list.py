"""``vesalius list``: everything that has a name, ours and other packages', with where it comes from."""

from __future__ import annotations

import ast
import importlib.util
import re
from collections.abc import Sequence
from pathlib import Path

from vesalius import registry
from vesalius.terminal import table

_ENDING = re.compile(r"(?<!\bal)(?<!\be\.g)(?<!\bi\.e)\.\s+(?=[^a-z0-9(])")
"""Where a sentence ends: not behind "et al.", nor before a small letter, a number or a bracket."""
_NAME = re.compile(r"^``[a-z -]+``: ")
"""How some descriptions begin, whose name stands in the line already."""


def groups(group: str | None, plugins: Sequence[Path] = ()) -> None:
    """The names of ``group``, or of every group, those of ``plugins`` among them, a line each: what it is and where it comes from.

    Raises UserError where there is no such group.
    """
    for file in plugins:
        registry.load_plugin(file)
    asked = [group] if group is not None else list(registry.GROUPS)
    rows = [[one, name, *_about(one, name, place)] for one in asked for name, place in _names(one).items()]
    table("", ["group", "name", "from", "what"], rows)


def _names(group: str) -> dict[str, str]:
    known = dict(registry.names(group))
    if group == "operations":
        from vesalius.views.recipe import known as operations

        known |= {name: f"{kind.__module__}:{kind.__name__}" for name, kind in operations().items()}
    return known


def _about(group: str, name: str, place: str) -> tuple[str, str]:
    """``vesalius``, a package or a file; the first sentence of its description."""
    module, _, attribute = place.partition(":")
    package = place if place.endswith(".py") else module.partition(".")[0]
    return package, _sentence(Path(place) if place.endswith(".py") else _file(module), attribute)


def _file(module: str) -> Path | None:
    """Where a module stands; nothing of it is run."""
    try:
        spec = importlib.util.find_spec(module)
    except ImportError:
        return None
    return Path(spec.origin) if spec is not None and spec.origin is not None and spec.origin.endswith(".py") else None


def _sentence(file: Path | None, attribute: str) -> str:
    if file is None or not file.is_file():
        return ""
    tree: ast.Module | ast.ClassDef | ast.FunctionDef = ast.parse(file.read_text())
    for node in tree.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and node.name == attribute:
            tree = node
    said = " ".join((ast.get_docstring(tree) or "").split("\n\n")[0].split())
    first = _ENDING.split(said, maxsplit=1)[0].rstrip(".")
    return _NAME.sub("", first).replace("``", "")
