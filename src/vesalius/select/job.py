"""From what was said, in whatever form, to the one configuration of a job."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin

from vesalius import registry
from vesalius.errors import UserError
from vesalius.recipes import yaml12
from vesalius.recipes.arguments import words
from vesalius.recipes.checking import check
from vesalius.recipes.merging import plain
from vesalius.select.config import SelectConfig
from vesalius.select.dictionaries import by_path, translated
from vesalius.select.keys import DICTIONARIES
from vesalius.select.selection import parts
from vesalius.select.short_form import amount, even, objective
from vesalius.select.spelling import snake, unknown

WRITTEN = "lightly"
"""What a run's configuration says besides ours: the network under the Worker's names, where its users look it up."""
_SHORT = ("n", "strategy")
_SEVERAL = ("strategy", "write", "plugins")


def read(source: str | Path | Mapping[str, Any] | None, fields: Mapping[str, Any]) -> tuple[SelectConfig, list[str]]:
    """What ``config.configured`` promises."""
    told = {} if source is None else source if isinstance(source, Mapping) else yaml12.read(_there(Path(source)))
    given = {snake(str(key)): value for key, value in told.items() if key != WRITTEN}
    short = {key: given.pop(key) for key in _SHORT if key in given}
    ours: dict[str, Any] = {}
    of_strategies: dict[str, dict[str, Any]] = {}
    for name, value in fields.items():
        head, _, rest = name.partition(".")
        if value is None or (isinstance(value, list | tuple) and not value):
            continue
        if name in _SHORT:
            short[name] = value
        elif rest and head.replace("_", "-") in registry.names("strategies"):
            of_strategies.setdefault(head.upper().replace("-", "_"), {})[rest] = value
        else:
            _place(given if head in DICTIONARIES else ours, name, plain(value))
    for key in [*given, *ours]:
        if key not in SelectConfig.model_fields and key not in DICTIONARIES:
            raise unknown(key, [*SelectConfig.model_fields, *DICTIONARIES, *_SHORT], by_path())
    own = _laid({key: plain(value) for key, value in given.items() if key not in DICTIONARIES}, ours)
    own = {key: value for key, value in own.items() if value is not None or key == "training"}  # false is none
    dictionaries, sentences = translated(
        {key: given[key] for key in DICTIONARIES if key in given},
        compat=own.get("compat", "none") != "none",
        training=isinstance(own.get("training"), Mapping) or own.get("training") is True,
    )
    tree: dict[str, Any] = {}
    for name, value in dictionaries.items():
        _place(tree, name, plain(value))
    tree = _laid(tree, own)
    tree["selection"] = _selection(tree.get("selection") or {}, short, of_strategies)
    if isinstance(tree.get("write"), str):
        tree["write"] = [tree["write"]]
    _plugins(tree)
    config = check(SelectConfig, tree, "the job")
    parts(config.selection)  # unknown types and fields are told of now, and not after a training
    if config.training is not None:
        from vesalius.select.training import check_recipe

        check_recipe(config)
    return config, sentences


def fields_of(tokens: Sequence[str]) -> dict[str, Any]:
    """``--a.b 1 --strategy x --strategy y`` as fields by name: numbers and lists as YAML has them, text where a field is text."""
    found: dict[str, Any] = {}
    for name, text in words(tokens):
        value = text if name in (*_SHORT, *_SEVERAL) or _is_text(name) else yaml12.parse(text, f"--{name}")
        found[name] = [*found.get(name, []), value] if name in _SEVERAL else value
    return found


def written(config: SelectConfig) -> dict[str, Any]:
    """What a run's config.yaml holds: the job, and the network under the names that the Worker's users look it up by."""
    from vesalius.select.training import lightly_block

    block = lightly_block(config)
    return config.model_dump(mode="json", exclude_none=True) | ({WRITTEN: block} if block else {})


def _there(file: Path) -> Path:
    if (file / "run.json").is_file():
        raise UserError(f"{file} is a run: go on with it by --resume {file}, or embed with what it trained by --encoder {file} --data DATA --n 50.")
    if file.is_dir():
        raise UserError(f"{file} is a folder. Say which images these are by --data {file}, and what embeds them: --encoder ENCODER --data {file} --n 50.")
    if not file.is_file():
        raise UserError(f"There is no file {file}. Name a YAML file that holds the job, or say it with --encoder ENCODER --data DATA --n 50.")
    return file


def _selection(given: Any, short: Mapping[str, Any], of_strategies: Mapping[str, Mapping[str, Any]]) -> Any:
    """``selection`` with what was said of it in short."""
    if not isinstance(given, Mapping):
        return given
    selection = dict(given)
    if "n" in short:
        selection = {key: value for key, value in selection.items() if key not in ("n_samples", "proportion_samples")} | amount(short["n"])
    if selection.get("n_samples") is None and selection.get("proportion_samples") is None:
        raise UserError(
            "Nothing says how many images to select. Give --n 50, or --n 10% of them; in a file n_samples or proportion_samples of selection_config."
        )
    listed = short.get("strategy", [] if selection.get("strategies") else ["diversity"])
    if chosen := [listed] if isinstance(listed, str) else list(listed):
        selection["strategies"] = [objective(one) if isinstance(one, str) else one for one in chosen]
    if not isinstance(selection.get("strategies"), list):
        return selection
    for kind, fields in of_strategies.items():
        for name, value in fields.items():
            selection["strategies"] = _with_field(selection["strategies"], kind, name, value)
    if "strategy" in short:
        selection["strategies"] = [even(entry) for entry in selection["strategies"]]
    return selection


def _with_field(strategies: list[Any], kind: str, name: str, value: Any) -> list[Any]:
    """``strategies`` with the field ``name`` set in every entry whose strategy is of the type ``kind``."""
    meant = [entry for entry in strategies if str(entry["strategy"].get("type", "")).upper() == kind]
    word = kind.lower()
    if not meant:
        raise UserError(f"--{word}.{name} is given, but {kind} is none of the strategies. Add --strategy {word}, or leave it out.")
    ours = registry.entry("strategies", _name(kind)).Config.model_fields
    theirs = registry.entry("inputs", _name(meant[0]["input"]["type"])).Config.model_fields
    if name not in ours and name not in theirs:
        raise unknown(f"{word}.{name}", [*ours, *theirs])
    part = "strategy" if name in ours else "input"
    return [{**entry, part: {**entry[part], name: value}} if entry in meant else entry for entry in strategies]


def _name(kind: str) -> str:
    return kind.lower().replace("_", "-")


def _place(tree: dict[str, Any], name: str, value: Any) -> None:
    """``value`` at the dotted ``name`` of ``tree``."""
    *folders, last = name.split(".")
    for folder in folders:
        inner = tree.get(folder)
        tree[folder] = dict(inner) if isinstance(inner, Mapping) else {}
        tree = tree[folder]
    tree[last] = value


def _laid(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """``over`` laid over ``base``, mapping by mapping; ``training: true`` is a training, ``false`` is none."""
    found = dict(base)
    for key, value in over.items():
        if key == "training" and isinstance(value, bool):
            found[key] = dict(found.get(key) or {}) if value else None
        elif isinstance(value, Mapping) and isinstance(found.get(key), Mapping):
            found[key] = _laid(found[key], value)
        else:
            found[key] = value
    return found


def _plugins(tree: dict[str, Any]) -> None:
    if files := tree.get("plugins"):
        listed: Iterable[Any] = [files] if isinstance(files, str) else files
        tree["plugins"] = [str(Path(file).resolve()) for file in listed]
        for file in tree["plugins"]:
            registry.load_plugin(file)


def _is_text(name: str) -> bool:
    info = SelectConfig.model_fields.get(name)
    if info is None:
        return False
    kinds = get_args(info.annotation) if get_origin(info.annotation) in (Union, UnionType) else (info.annotation,)
    return str in kinds and not {int, float, bool} & set(kinds)
