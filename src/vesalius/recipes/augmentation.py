"""InnerEye's augmentation files in a recipe: read once, so that a run holds what they said; the head's falls back to the encoder's."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vesalius import views
from vesalius.errors import UserError
from vesalius.recipes.config import PretrainConfig
from vesalius.views import innereye

HEAD_FALLS_BACK = (
    "monitors.linear.views (linear_head_augmentation_config) is not given: the linear monitor learns from images changed as the "
    "encoder's are, which was the original's rule. --monitors.linear.views none leaves them as they are."
)
_DEFAULTS = [{"name": m.name} for m in PretrainConfig.model_fields["monitors"].default]


def with_files(config: Mapping[str, Any], verb: str = "pretrain") -> tuple[dict[str, Any], list[str]]:
    """The recipe ``config`` with what its augmentation files say in their place, and what to tell the user.

    Raises UserError for a file that cannot be read, and for one that is given together with CIFAR.
    """
    data, monitors = config.get("data") or {}, config.get("monitors") or _DEFAULTS
    said: list[str] = []
    if not isinstance(data, Mapping) or not isinstance(monitors, list):
        return dict(config), said  # the check of the recipe says what is wrong with them
    out = {**config, **_read(config, "views", data.get("train"), said, count=1 if verb == "finetune" else 2)}
    if verb == "finetune":
        return out, said
    entries = [dict(entry) for entry in monitors]
    for entry in entries:
        labelled = entry.get("data") or data.get("monitor")
        if entry.get("name") != "linear" or labelled is None:
            continue
        if "views" in entry:
            entry.update(_read(entry, "views", labelled, said, count=1))
            entry["views"] = "none" if entry["views"] is None else entry["views"]
        elif _tree(config.get("views")) is not None:
            entry["views"] = out["views"]
            said.append(HEAD_FALLS_BACK)
    if entries != monitors:
        out["monitors"] = entries
    return out, said


def _tree(chosen: Any) -> Mapping[str, Any] | None:
    """The tree of an augmentation file, or of a recipe that is equal to one."""
    if not isinstance(chosen, str | Mapping) or chosen in ("mild", "none"):
        return None
    return views.of_innereye(chosen)


def _read(fields: Mapping[str, Any], key: str, images: Any, said: list[str], *, count: int) -> dict[str, Any]:
    """``key`` of ``fields`` as a recipe of views, where it is an augmentation file; nothing where it is not."""
    chosen = fields.get(key)
    tree = _tree(chosen)
    if tree is None:
        return {}
    name = Path(chosen).name if isinstance(chosen, str) else ""
    source = str(images or "").partition("@")[0].partition(":")[0]
    if source in ("cifar10", "cifar100"):
        raise UserError(
            f"{name or 'The augmentation file'} is for radiographs, and {source} has augmentations of its own: leave the file out, or name other images. The "
            "original passed such a file over without a word."
        )
    said += [sentence for sentence in innereye.remarks(tree) if sentence not in said]
    known = views.canonical(chosen) if isinstance(chosen, str) else None
    place = f"the augmentation file {name}" if name else "the views"
    return {key: known or innereye.recipe({"count": count, **tree}, place)}
