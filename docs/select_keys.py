"""The tables of ``docs/select.md``: every key of the Worker's dictionaries with its fate, and every field of ours.

Run as ``python -m docs.select_keys``. They are written from ``select/keys.py`` and ``select/config.py``; a test keeps them so.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, TypeAdapter

from vesalius.select.config import SelectConfig
from vesalius.select.keys import KEYS, LIGHTLY, NONE, SELECTION, WORKER, Key

PAGE = Path(__file__).resolve().parent / "select.md"
BEGIN, END = "<!-- tables: written by python -m docs.select_keys -->", "<!-- end of the tables -->"
_INPUT, _STRATEGY = "selection_config.strategies[].input.", "selection_config.strategies[].strategy."
_LEFT_OUT = ("selection",)


def text() -> str:
    """The written part of the page."""
    out = [f"{len(KEYS)} keys.", ""]
    for title, name, keys in (
        ("worker_config", "worker_config", [key for key in WORKER if not key.old]),
        ("lightly_config", "lightly_config", LIGHTLY),
        ("selection_config", "selection_config", SELECTION),
        ("worker_config before version 3", "worker_config", [key for key in WORKER if key.old]),
    ):
        out += [f"### `{title}`" if " " not in title else f"### {title}", "", "| key | values | the Worker's default | here |", "|---|---|---|---|"]
        out += [f"| `{key.path.removeprefix(f'{name}.')}` | {_values(key)} | {_default(key)} | {_fate(key)} |" for key in keys] + [""]
    out += ["### Fields of ours", "", "| field | default | meaning |", "|---|---|---|", *_fields(SelectConfig)]
    return "\n".join(out)


def _values(key: Key) -> str:
    schema = TypeAdapter(key.kind).json_schema()
    if "enum" in schema:
        return ", ".join(f"`{one}`" for one in schema["enum"])
    if "const" in schema:
        return f"`{schema['const']}`"
    kind = {"boolean": "true, false", "integer": "whole number", "number": "number", "string": "text", "array": "list", "object": "class: ratio"}
    said = kind[schema.get("type", "number")]
    low, high = schema.get("minimum", schema.get("exclusiveMinimum")), schema.get("maximum", schema.get("exclusiveMaximum"))
    if low is not None and high is not None:
        return f"{said}, {low:g} to {high:g}"
    return said if low is None else f"{said}, {'above' if 'exclusiveMinimum' in schema else 'from'} {low:g}"


def _default(key: Key) -> str:
    if key.worker is NONE or key.worker == "":
        return ""
    worker = list(key.worker) if isinstance(key.worker, tuple) else key.worker
    return f"`{str(worker).lower() if isinstance(worker, bool | None) else worker}`"


def _fate(key: Key) -> str:
    if key.fate == "works":
        field = "the job's strategies" if key.to == "selection.strategies" else f"`{key.to}`"
        ours = f". Without compat: {key.ours}" if key.ours else ""
        return f"works: {field}{ours}"
    what = {"accepted": "no meaning on one machine, accepted", "video": "video, refused", "refused": "refused"}[key.fate]
    but = f" (but `{str(key.harmless[0]).lower()}`)" if key.harmless else ""
    return f"{what}{but}: {key.says}"


def _fields(model: type[BaseModel], above: str = "") -> list[str]:
    rows: list[str] = []
    for name, info in model.model_fields.items():
        kinds = [info.annotation, *get_args(info.annotation)]
        inner = next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)), None)
        if above + name in _LEFT_OUT:
            continue
        if inner is not None and (info.annotation is inner or type(None) in kinds):
            rows += _fields(inner, f"{above}{name}.")
            continue
        rows.append(f"| `{above}{name}` | {_shown(info.default)} | {(info.description or '').replace('|', '/')} |")
    return rows


def _shown(value: Any) -> str:
    if "Undefined" in type(value).__name__ or value in (None, (), "", {}):
        return ""
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def put(page: str, written: str) -> str:
    """The page with its written part replaced."""
    before, _, rest = page.partition(BEGIN)
    return f"{before}{BEGIN}\n{written}\n{END}{rest.partition(END)[2]}"


def main() -> None:
    """Write the page."""
    PAGE.write_text(put(PAGE.read_text(), text()))


if __name__ == "__main__":
    main()
