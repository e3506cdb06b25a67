"""InnerEye's augmentation files as views recipes.

Such a file is known by its content: the keys ``preprocess`` and ``augmentation`` at its top. What it leaves out has the
original's default, unknown keys and other types are errors, tuples are written ``(a, b)``. The order of the operations is the
original's. Beside the original's keys a file may say ``count`` (views of each image: 2) and
``use_different_transformation_per_channel``, which was an argument of the original's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from vesalius.errors import UserError
from vesalius.views.innereye_keys import KEYS, Key, Value

NAMED: Mapping[str, str] = {
    "cxr_ssl_encoder_augmentations": "radiograph-innereye-encoder",
    "cxr_linear_head_augmentations": "radiograph-innereye-head",
}
"""The original's two files and the recipes that are equal to them."""
BESIDE = ("count", "use_different_transformation_per_channel")
"""Keys of ours at the top of a file."""
UNUSED = (
    "label_smoothing.epsilon has no effect: the original read it and used it nowhere. The labels are learnt as they are."
)
_BY_NAME = {key.name: key for key in KEYS}
_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_PAIR = re.compile(rf"\(\s*({_NUMBER})\s*,\s*({_NUMBER})\s*,?\s*\)")


def recognised(tree: Any) -> bool:
    """Whether ``tree``, read from YAML, is laid out as InnerEye's augmentation files are."""
    if not isinstance(tree, Mapping):
        return False
    found = [tree[part] for part in ("preprocess", "augmentation") if part in tree]
    return bool(found) and not any(isinstance(part, Mapping) and {"operations", "size"} & set(part) for part in found)


def remarks(tree: Mapping[str, Any]) -> list[str]:
    """What to tell a user about a file: what it sets without effect."""
    return [UNUSED] if any(name == "augmentation.label_smoothing.epsilon" for name, _ in _leaves(tree, "")) else []


def recipe(tree: Mapping[str, Any], place: str = "the augmentation file") -> dict[str, Any]:
    """The views recipe of a file's ``tree``. Raises UserError naming the key, with the nearest known one."""
    given = {name: value for name, value in tree.items() if name not in BESIDE}
    values: dict[str, Value] = {key.name: key.default for key in KEYS}
    for name, value in _leaves(given, ""):
        if name not in _BY_NAME:
            raise _unknown(name, place)
        values[name] = _typed(_BY_NAME[name], value, place)
    view: dict[str, Any] = {"count": tree.get("count", 2), "size": values["preprocess.center_crop_size"], "operations": _operations(values)}
    alone = tree.get("use_different_transformation_per_channel", False)
    return {**({"per_channel": alone} if alone is not False else {}), "global": view}


def _operations(values: Mapping[str, Value]) -> list[Any]:
    """The original's order: affine, crop or resize, flip, gamma, colour, elastic, centre crop, erasing, noise."""

    def of(name: str) -> Any:
        value = values[f"augmentation.{name}"]
        return list(value) if isinstance(value, tuple) else value

    side = values["preprocess.resize"]
    crop = {"random_resized_crop": {"scale": of("random_crop.scale"), "size": side}}
    shift = [of("random_affine.max_horizontal_shift"), of("random_affine.max_vertical_shift")]
    affine = {"degrees": of("random_affine.max_angle"), "translate": shift, "shear": of("random_affine.max_shear")}
    colour = {name: of(f"random_color.{name}") for name in ("brightness", "contrast", "saturation")}
    elastic = {"p": of("elastic_transform.p_apply"), "alpha": of("elastic_transform.alpha"), "sigma": of("elastic_transform.sigma")}
    erasing = {"p": 0.5, "scale": of("random_erasing.scale"), "ratio": of("random_erasing.ratio"), "value": 0.0}
    noise = {"p": of("gaussian_noise.p_apply"), "std": of("gaussian_noise.std"), "grey": True, "clamp": "own"}
    steps = [
        (of("use_random_affine"), {"affine": affine}),
        (True, crop if of("use_random_crop") else {"resize": {"shorter": side}}),
        (of("use_random_horizontal_flip"), {"horizontal_flip": {"p": of("random_horizontal_flip.prob")}}),
        (of("use_gamma_transform"), {"gamma": {"scale": of("gamma.scale")}}),
        (of("use_random_color"), {"colour_jitter": colour}),
        (of("use_elastic_transform"), {"elastic": elastic}),
        (True, "centre_crop"),
        (of("use_random_erasing"), {"erasing": erasing}),
        (of("add_gaussian_noise"), {"noise": noise}),
    ]
    return [step for wanted, step in steps if wanted]


def _leaves(tree: Mapping[str, Any], above: str) -> Iterator[tuple[str, Any]]:
    """Dotted names with values; a group that is written without keys has none."""
    for key, value in tree.items():
        name = f"{above}{key}"
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, f"{name}.")
        elif not (value in (None, {}) and _inside(name)):
            yield name, value


def _inside(group: str) -> list[str]:
    """The keys of a group, without its name."""
    return [name.removeprefix(f"{group}.") for name in _BY_NAME if name.startswith(f"{group}.")]


def _typed(key: Key, value: Any, place: str) -> Value:
    """``value`` as what ``key`` is, or an error that says what it should be."""
    found: Value | None = None
    if key.kind == "range":
        found = _pair(value)
    elif key.kind == "yes or no":
        found = value if isinstance(value, bool) else None
    elif isinstance(value, str) and re.fullmatch(_NUMBER, value) and key.kind == "number":
        found = float(value)  # 1e-3 is text to YAML 1.1
    elif isinstance(value, int if key.kind == "whole number" else int | float) and not isinstance(value, bool):
        found = value
    if found is None:
        wanted = {"range": "two numbers written (a, b)", "yes or no": "True or False"}.get(key.kind, f"a {key.kind}")
        raise _wrong(f"In {place}, {key.name} is {value!r}; it should be {wanted}, such as {key.default}.")
    low, high = found if isinstance(found, tuple) else (found, found)
    if not key.low <= low <= high <= key.high:
        top = f" and at most {key.high:g}" if key.high != float("inf") else ""
        order = ", the smaller first" if key.kind == "range" else ""
        raise _wrong(f"In {place}, {key.name} is {value!r}; it should be at least {key.low:g}{top}{order}.")
    return found


def _pair(value: Any) -> tuple[float, float] | None:
    match = _PAIR.fullmatch(value.strip()) if isinstance(value, str) else None
    pair = [float(number) for number in match.groups()] if match else value
    if isinstance(pair, list | tuple) and len(pair) == 2 and all(isinstance(n, int | float) and not isinstance(n, bool) for n in pair):
        return float(pair[0]), float(pair[1])
    return None


def _unknown(name: str, place: str) -> UserError:
    """A group that is given something else than keys, or a key that nobody knows."""
    if inside := _inside(name):
        return _wrong(f"In {place}, {name} should hold keys of its own ({', '.join(inside)}).")
    *_, last = name.rpartition(".")
    near = get_close_matches(name, list(_BY_NAME), n=1) or [k for k in _BY_NAME if k.endswith(f".{last}")][:1]
    hint = f" Did you mean {near[0]}?" if near else ""
    return _wrong(f"In {place} there is no key {name}.{hint}")


def _wrong(message: str) -> UserError:
    return UserError(f"{message} docs/augmentation-files.md explains every key.")
