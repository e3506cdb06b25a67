"""A pretraining's plan of volumes and its views, which agree on one patch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from vesalius import views
from vesalius.data.plan import Plan
from vesalius.data.planning import planned
from vesalius.data.table import SampleTable
from vesalius.errors import UserError
from vesalius.recipes.config import PretrainConfig
from vesalius.terminal import Terminal
from vesalius.views.pipeline import Views


def views_for(config: PretrainConfig, channels: int) -> Views:
    """The recipe's views for images of ``channels`` channels; of volumes at ``data.plan.patch``, where that is said."""
    made = views.load(config.views, channels)
    patch = config.data.plan.get("patch")
    if made.dims == 2 or patch is None or tuple(patch) == next(iter(made.makes.values()))[1]:
        return made
    return views.at_size(made, tuple(patch))


def dims_of(config: PretrainConfig) -> Literal[3] | None:
    """3 where the views are of volumes, so that a folder of DICOM slices is read as series; None where a folder decides."""
    for channels in (1, 3):
        try:
            return 3 if views.load(config.views, channels).dims == 3 else None
        except UserError:  # some operations are for colours alone; what else is wrong is said where the views are made
            continue
    return None


def refuse_volumes_for_images(config: PretrainConfig, train: SampleTable) -> None:
    """Raises UserError where ``train`` holds volumes and the recipe's views are of images."""
    if train.dims == 3 and dims_of(config) != 3:
        raise UserError(
            f"{config.data.train} holds volumes, and the recipe's views are of images. Take a recipe of volumes, such as mr-mae or ct-mae "
            "(`vesalius recipes list`), or other views (--views ct-mae)."
        )


def plan_for(config: PretrainConfig, tables: Sequence[SampleTable], terminal: Terminal) -> Plan | None:
    """How the volumes of ``tables``, the training table first, are prepared; None for images.

    What ``data.plan`` leaves open is the source's own plan, or one made of the data's fingerprint; the patch is the views'.
    Raises UserError where some tables hold images and some volumes, where the views are for the others, and for fields of
    the recipe that volumes have no use for.
    """
    train, *others = tables
    for other in others:
        if other.dims != train.dims:
            raise UserError(
                f"{train.source} holds {_noun(train.dims)} and {other.source} holds {_noun(other.dims)}. Watch with data of one kind."
            )
    data = config.data
    if train.dims == 2:
        if data.plan:
            raise UserError(f"data.plan says how volumes are prepared, and {train.source} holds images. Leave it out.")
        return None
    made = views_for(config, 1)
    refuse_volumes_for_images(config, train)
    for field, unused in (("size", data.size != "auto"), ("channels", data.channels not in ("auto", 1)), ("window", data.window != "auto")):
        if unused:
            raise UserError(f"data.{field} is for images; volumes are prepared as data.plan says (spacing, orientation, intensity, patch). Leave it out.")
    with terminal.bar(f"looking at {train.source}", "volumes") as progress:
        found = planned(train, {**data.plan, "patch": next(iter(made.makes.values()))[1]}, progress=lambda done, total=None, *_: progress(done, total))
    for remark in found.remarks:
        terminal.say(remark)
    return found.plan


def with_plan(config: PretrainConfig, plan: Plan | None) -> PretrainConfig:
    """``config`` with the whole plan written down, so that it is run again as it was."""
    if plan is None:
        return config
    said: dict[str, Any] = plan.model_dump(mode="json", exclude_none=True)
    said["spacing"] = said.get("spacing")
    return config.model_copy(update={"data": config.data.model_copy(update={"plan": said})})


def noun(plan: Plan | None) -> str:
    """What a sample is called."""
    return "images" if plan is None else "volumes"


def _noun(dims: int) -> str:
    return "volumes" if dims == 3 else "images"
