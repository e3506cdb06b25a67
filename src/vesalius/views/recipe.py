"""From a recipe (a name, a YAML file or a mapping) to ``Views``."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from vesalius import registry
from vesalius.views import innereye, operations
from vesalius.views.operation import Occasional, Operation, Pixelwise, Window, refuse
from vesalius.views.operations.affine import Affine
from vesalius.views.operations.elastic import Elastic
from vesalius.views.operations.windows import Tiles
from vesalius.views.pipeline import Group, Views

_GROUP_KEYS = ("count", "size", "operations")
_TOP = ("shared", "per_channel", "dims")
_KINDS = {2: "images", 3: "volumes"}


def names() -> list[str]:
    """The named recipes."""
    return sorted(
        file.name[: -len(".yaml")]
        for file in files(__package__).joinpath("recipes").iterdir()
        if file.name.endswith(".yaml")
    )


def known() -> Mapping[str, type[Operation]]:
    """Every operation a recipe may name: ours, and those of plugins and packages (the registry's ``operations``)."""
    found = dict(_ours())
    for name in registry.names("operations"):
        theirs = registry.entry("operations", name)
        if not (isinstance(theirs, type) and issubclass(theirs, Operation)) or theirs.name != name or name in found:
            raise refuse(
                f"The operation {name!r} that {registry.names('operations')[name]} registers must be a class deriving from Pixelwise or Geometry "
                f"whose `name` is {name!r}, which is none of ours ({', '.join(sorted(found))})."
            )
        found[name] = theirs
    return found


@cache
def _ours() -> Mapping[str, type[Operation]]:
    found: dict[str, type[Operation]] = {}
    for module in pkgutil.iter_modules(operations.__path__, f"{operations.__name__}."):
        for value in vars(importlib.import_module(module.name)).values():
            if (
                isinstance(value, type)
                and issubclass(value, Operation)
                and value.name
                and value.__module__ == module.name
            ):
                found[value.name] = value
    return found


def load(recipe: str | Mapping[str, Any] | Path, channels: int) -> Views:
    """``Views`` for images of ``channels`` channels from a named recipe, a YAML file or a mapping.

    A recipe has named groups ``{count, size, operations}`` and optionally ``shared``, operations drawn once per sample
    and done first in every group, and ``per_channel: true``, each channel of an image being drawn for by itself. An operation
    is a name or ``{name: {parameter: value}}``. Groups whose size has three sides, or one with ``dims: 3`` at the top, are of
    volumes; their first shared operation says what is read of each (``patch``, ``tiles``). InnerEye's augmentation files are
    known by their content.

    Raises:
        UserError: an unknown recipe, operation or parameter, or one that has no meaning for ``channels`` channels.

    """
    tree, place = _read(recipe)
    if channels < 1:
        raise refuse(f"Images need at least one channel, not {channels}.")
    if innereye.recognised(tree):
        tree = innereye.recipe(tree, place)
    shared = _operations(tree.get("shared", []), f"{place}, shared", "shared")
    dims = _dims(tree.get("dims"), place)
    groups: list[Group] = []
    config: dict[str, Any] = {}
    per_channel = tree.get("per_channel", False)
    if not isinstance(per_channel, bool):
        raise refuse(f"In {place} per_channel is {per_channel!r}; it should be true or false.")
    if per_channel:
        config["per_channel"] = True
    if shared:
        config["shared"] = [_written(op) for op in shared.values()]
    for name, group in tree.items():
        if name in _TOP:
            continue
        where = f"{place}, group {name!r}"
        if not isinstance(group, Mapping):
            raise refuse(f"In {where} there must be count, size and operations, not {group!r}.")
        for key in group:
            if key not in _GROUP_KEYS:
                raise refuse(f"In {where} there is no field {key!r}.{_near(key, _GROUP_KEYS)}")
        own = _operations(group.get("operations", []), where, str(name))
        made = Group(
            str(name), _count(group.get("count", 1), where), _size(group.get("size"), where, dims), {**shared, **own}
        )
        dims = len(made.size)
        for operation in made.operations.values():
            operation.check(1 if per_channel else channels)
            if dims not in operation.dims:
                raise refuse(f"In {where} {operation.name} is for {_KINDS[operation.dims[0]]}, and these views are of {_KINDS[dims]}.")
            if (
                isinstance(operation, Occasional)
                and any(v >= made.count for v in operation.views or ())
                and operation in own.values()
            ):
                raise refuse(
                    f"In {where} {operation.name} names view {max(operation.views or ())}, and there are {made.count}, from 0."
                )
        _check_bends(made, where)
        groups.append(made)
        config[made.name] = {
            "count": made.count,
            "size": list(made.size),
            "operations": [_written(op) for op in own.values()],
        }
    if not groups:
        raise refuse(
            f"In {place} there is no group of views: add for example global: {{count: 2, size: 32, operations: []}}."
        )
    for operation in shared.values():
        if operation.sized and len({group.size for group in groups}) > 1:
            raise refuse(f"In {place} {operation.name} is shared by groups of unlike sizes. List it in each group.")
    if dims == 3:
        _check_windows(groups, list(shared.values()), place, per_channel=per_channel)
    return Views(groups, channels, config, per_channel=per_channel)


def of_innereye(recipe: str | Mapping[str, Any] | Path) -> Mapping[str, Any] | None:
    """The tree of ``recipe`` where it is one of InnerEye's augmentation files or named after one, None where it is not."""
    tree, _ = _read(recipe)
    return tree if innereye.recognised(tree) else None


def remarks(recipe: str | Mapping[str, Any] | Path) -> list[str]:
    """What to tell a user about ``recipe``: what an augmentation file sets without effect."""
    tree = of_innereye(recipe)
    return innereye.remarks(tree) if tree is not None else []


def canonical(name: str) -> str | None:
    """The named recipe that ``name`` means, as it is or by an original's name for it; None where it means a file."""
    known = name if Path(name).is_file() else innereye.NAMED.get(Path(name).name.removesuffix(".yaml"), name)
    return known if known in names() else None


def resize_crop(size: int | Sequence[int], channels: int, *, enlarge: float = 1.0) -> Views:
    """The deterministic pipeline for evaluation: one view "image" of ``size`` pixels, nothing random.

    The shorter side is resized (anti-aliased) to ``enlarge`` times the size, then the middle is cut out. 256 / 224 is
    the habit for ImageNet encoders.
    """
    height, width = _size(size, "resize_crop", 2)
    steps: list[Any] = [{"resize": {"shorter": round(max(height, width) * enlarge)}}, "centre_crop"]
    return load({"image": {"count": 1, "size": [height, width], "operations": steps}}, channels)


def tiles(size: Sequence[int], channels: int, count: int = 8) -> Views:
    """The deterministic pipeline for evaluating volumes: ``count`` views "image" of ``size`` (x, y, z) voxels, nothing random.

    They lie evenly over the box of each volume's foreground; features of a volume are the mean of theirs.
    """
    group = {"count": count, "size": list(_size(size, "tiles", 3)), "operations": []}
    return load({"shared": [{"tiles": {"count": count}}], "image": group}, channels)


def _check_windows(groups: Sequence[Group], shared: Sequence[Operation], place: str, *, per_channel: bool) -> None:
    """The first shared operation alone says what is read; what it reads serves all groups."""
    if per_channel:
        raise refuse(f"In {place} per_channel is for images; the channels of a volume are changed alike.")
    first = shared[0] if shared else None
    if not isinstance(first, Window):
        raise refuse(f"In {place} the first shared operation must say what is read of each volume: shared: [patch], or tiles.")
    for group in groups:
        own = [operation for operation in group.operations.values() if operation is not first]
        if any(isinstance(operation, Window) for operation in own):
            raise refuse(f"In {place}, group {group.name!r}, {first.name} must be the only operation that says what is read.")
        if isinstance(first, Tiles) and group.count != first.count:
            raise refuse(f"In {place} there are {first.count} tiles and {group.count} views of group {group.name!r}: one view shows one tile.")
        sides = first.sides(group.size)
        if len(sides) != 3 or any(side < part for side, part in zip(sides, group.size)):
            window, view = ("×".join(map(str, found)) for found in (sides, group.size))
            raise refuse(f"In {place} {first.name} reads {window} voxels, of which group {group.name!r} cannot show {view}.")
    if len({first.sides(group.size) for group in groups}) > 1:
        raise refuse(f"In {place} {first.name} is shared by groups of unlike sizes. Give it a size, [x, y, z], that holds them all.")


def _check_bends(group: Group, where: str) -> None:
    """One elastic operation, and no affine map behind it: displacements lie along the axes of the canvas they bend."""
    kinds = [type(op) for _, op in group.geometry]
    if Elastic in kinds and {Elastic, Affine} & set(kinds[kinds.index(Elastic) + 1 :]):
        raise refuse(f"In {where} there is an affine or a second elastic after elastic. Put elastic last of these, and once.")


def _read(recipe: str | Mapping[str, Any] | Path) -> tuple[Mapping[str, Any], str]:
    """The tree of a recipe and what to call it in a message."""
    if isinstance(recipe, Mapping):
        return recipe, "the views"
    text = canonical(str(recipe)) or str(recipe)
    if text not in names() and (isinstance(recipe, Path) or text.endswith((".yaml", ".yml"))):
        path = Path(text)
        if not path.is_file():
            raise refuse(f"There is no views file {text}. Named recipes: {', '.join(names())}.")
        tree, place = _parsed(path), f"the views file {path.name}"
    elif text in names():
        tree, place = (
            yaml.safe_load(files(__package__).joinpath("recipes", f"{text}.yaml").read_text(encoding="utf-8")),
            f"the views recipe {text}",
        )
    else:
        raise refuse(f"There is no views recipe {text!r}.{_near(text, names())} Known: {', '.join(names())}.")
    if not isinstance(tree, Mapping):
        raise refuse(f"{place} holds no mapping of groups.")
    return tree, place


def _parsed(path: Path) -> Any:
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise refuse(f"The views file {path.name} is not YAML: {' '.join(str(error).split())}.") from None


def _operations(listed: Any, where: str, group: str) -> dict[str, Operation]:
    if not isinstance(listed, Sequence) or isinstance(listed, str):
        raise refuse(f"In {where} the operations must be a list, not {listed!r}.")
    return {f"{group}/{i}-{op.name}": op for i, op in enumerate(_operation(entry, where) for entry in listed)}


def _operation(entry: Any, where: str) -> Operation:
    if isinstance(entry, Mapping) and len(entry) == 1:
        ((name, parameters),) = entry.items()
    elif isinstance(entry, str):
        name, parameters = entry, {}
    else:
        raise refuse(f"In {where} {entry!r} is not an operation: write its name, or {{name: {{parameter: value}}}}.")
    name = str(name).replace("-", "_")
    if name not in known():
        raise refuse(
            f"In {where} there is no operation {name!r}.{_near(name, known())} Known: {', '.join(sorted(known()))}."
        )
    kind = known()[name]
    parameters = parameters if parameters is not None else {}
    if not isinstance(parameters, Mapping):
        raise refuse(f"In {where} the parameters of {name} must be a mapping, not {parameters!r}.")
    for parameter in parameters:
        if parameter not in kind.parameters():
            fields = ", ".join(kind.parameters()) or "none"
            raise refuse(
                f"In {where} {name} has no parameter {parameter!r}.{_near(str(parameter), kind.parameters())} It has: {fields}."
            )
    try:
        return kind.model_validate(dict(parameters))
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "parameters"
        raise refuse(f"In {where} {name}: {field} = {first['input']!r} cannot be used: {first['msg']}.") from None


def _written(operation: Operation) -> dict[str, Any]:
    return {operation.name: operation.model_dump(mode="json", exclude_none=True, by_alias=True)}


def _count(count: Any, where: str) -> int:
    if not isinstance(count, int) or isinstance(count, bool) or not 1 <= count < 1 << 16:
        raise refuse(f"In {where} count must be a whole number of views from 1, not {count!r}.")
    return count


def _dims(dims: Any, place: str) -> int | None:
    if dims not in (None, 2, 3):
        raise refuse(f"In {place} dims is {dims!r}; it should be 2, for images, or 3, for volumes.")
    return dims  # type: ignore[no-any-return]


def _size(size: Any, where: str, dims: int | None = None) -> tuple[int, ...]:
    """Two sides or three. One number stands for ``dims`` equal sides, two where that is not said."""
    sides = [size] * (dims or 2) if isinstance(size, int) else size
    fitting = isinstance(sides, Sequence) and len(sides) in ((2, 3) if dims is None else (dims,))
    if fitting and all(isinstance(s, int) and s > 0 for s in sides):
        return tuple(sides)
    asked = {2: "[height, width]", 3: "[x, y, z]", None: "[height, width], or of volumes [x, y, z]"}[dims]
    raise refuse(f"In {where} size must be a number of pixels or {asked}, not {size!r}.")


def _near(name: str, among: Any) -> str:
    near = get_close_matches(name, [str(a) for a in among], n=2)
    return f" Did you mean {' or '.join(near)}?" if near else ""


def is_pixelwise(step: Any) -> bool:
    """Whether an operation of views, as a recipe has it, changes values and moves nothing."""
    name = next(iter(step)) if isinstance(step, Mapping) else str(step)
    kind = known().get(str(name).replace("-", "_"))
    return kind is not None and issubclass(kind, Pixelwise)
