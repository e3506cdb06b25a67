"""The reference: every verb, function, recipe and field, written from the code and nothing else."""

from __future__ import annotations

import inspect
import io
from collections.abc import Iterator, Mapping
from contextlib import redirect_stdout
from typing import Any

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

_COMMANDS = 80
"""Columns in which the command line writes its help."""
_CONFIGURED = ("methods", "monitors", "protocols", "strategies", "inputs", "decoders", "trackers")
"""Groups whose entries have fields of their own."""


def pages() -> dict[str, str]:
    """File name to Markdown."""
    return {"commands.md": commands(), "python.md": functions(), "recipes.md": recipes(), "names.md": names()}


def commands() -> str:
    """The help of every command."""
    from cyclopts import App

    from vesalius.cli import app

    def each(one: App, said: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        for name in one:
            if not name.startswith("-"):
                yield (*said, name)
                yield from each(one[name], (*said, name))

    parts = ["# Commands", "Every command as its `--help` says it."]
    for said in [(), *each(app, ())]:
        parts += [f"## vesalius {' '.join(said)}".rstrip(), f"```text\n{_help(app, said)}\n```"]
    return "\n\n".join(parts) + "\n"


def _help(app: Any, said: tuple[str, ...]) -> str:
    from rich.console import Console

    text = io.StringIO()
    app.help_print(list(said), console=Console(file=text, width=_COMMANDS, no_color=True, force_terminal=False))
    return "\n".join(line.rstrip() for line in text.getvalue().strip("\n").splitlines())


def functions() -> str:
    """Signature and description of everything in ``vesalius``."""
    import vesalius

    parts = ["# Python", "Each verb of the command line is a function of the same name and fields; `import vesalius` imports nothing heavy."]
    for name in vesalius.__all__:
        found = getattr(vesalius, name)
        parts += [f"## vesalius.{name}", f"```python\n{name}{_signature(found)}\n```", _described(found)]
        if inspect.isclass(found):
            for method, value in vars(found).items():
                if not method.startswith("_") and callable(value):
                    parts += [f"### {name}.{method}", f"```python\n{method}{_signature(value)}\n```", _described(value)]
    return "\n\n".join(parts) + "\n"


def _signature(found: Any) -> str:
    signature = inspect.signature(found)
    one = str(signature).replace("vesalius.", "")
    if len(one) <= _COMMANDS:
        return one
    lines, marked = [], False
    for parameter in signature.parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY and not marked:
            lines, marked = [*lines, "*,"], True
        lines.append(f"{parameter},")
    end = "" if signature.return_annotation is signature.empty else f" -> {signature.return_annotation}"
    return "(\n" + "\n".join(f"    {line}" for line in lines) + f"\n){end}"


def _described(found: Any) -> str:
    return (inspect.getdoc(found) or "").replace("``", "`")


def recipes() -> str:
    """Each recipe as it is shipped, its comments included."""
    from vesalius import views
    from vesalius.recipes.shipped import FOLDERS, text_of
    from vesalius.recipes.shipped import names as shipped

    parts = ["# Recipes", "As they are shipped. `vesalius recipes show NAME` prints one with every default filled in and what each field means."]
    for verb in FOLDERS:
        for name in shipped(verb):
            parts += [f"## {name}", f"For `vesalius {verb} {name}`.", f"```yaml\n{text_of(name, verb).strip()}\n```"]
    parts += ["## Views", ", ".join(f"`{name}`" for name in views.names())]
    return "\n\n".join(parts) + "\n"


def names() -> str:
    """Every name of every group, with its fields."""
    from vesalius import registry
    from vesalius.inspection_list import groups

    first = "What `vesalius list` shows, and the fields of each; how one of your own is added: [Contributing](../../CONTRIBUTING.md)."
    parts = ["# Names and their fields", first]
    for group in registry.GROUPS:
        text = io.StringIO()
        with redirect_stdout(text):
            groups(group)
        rows = [line.split("\t") for line in text.getvalue().splitlines()[1:]]
        parts += [f"## {group.capitalize()}"]
        if group not in _CONFIGURED:
            parts += [_table(("name", "what"), [(f"`{name}`", _cell(what)) for _, name, _, what in rows])]
            continue
        for _, name, _, what in rows:
            config: type[BaseModel] = registry.entry(group, name).Config
            parts += [f"### {name}", f"{what.replace('``', '`')}."]
            parts += [_table(("field", "default", "what"), list(_fields(config)))] if config.model_fields else []
    return "\n\n".join(parts) + "\n"


def _fields(config: type[BaseModel]) -> Iterator[tuple[str, str, str]]:
    for name, field in config.model_fields.items():
        default = "–" if field.default is PydanticUndefined else f"`{_plain(field.default)}`"
        yield f"`{name}`", default, _cell(field.description or "")


def _plain(value: Any) -> str:
    if isinstance(value, BaseModel):
        return _plain(value.model_dump())
    if isinstance(value, Mapping) and not value:
        return "{}"
    return ", ".join(map(str, value)) or "none" if isinstance(value, tuple | list) else str(value)


def _table(heads: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [heads, ("---",) * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(text: str) -> str:
    return text.replace("``", "`").replace("|", "\\|").replace("<", "&lt;")
