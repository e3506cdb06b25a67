"""From what a data set's volumes are like, and the memory there is, to the plan by which they are prepared and learnt from.

Axes: RAS. Spacing: the median of each axis; where one axis is three times as coarse as the finest (thin stacks), the tenth
percentile of that axis, so that few stacks lose slices (the rule of nnU-Net: Isensee et al., Nature Methods 2021). Values: for CT
one window for all volumes, from the 0.5th to the 99.5th percentile of what is not air; else these percentiles of each
volume's own foreground. Patch: as nearly a cube in mm as its sides, multiples of what the encoder divides by, allow; no larger than
the median volume; the largest whose training fits into the memory.

Memory of a step, of which the larger of two counts: 0.5 GiB + 16 bytes per parameter (weights, gradients, Adam) + 1.3 times
the bytes that are kept for the backward pass in fp32. Those were counted on MONAI's networks (a test counts them again): pretraining
of ViTAutoEnc, 8 patches of two views, 154.6 bytes per voxel and view; fine-tuning of UNETR, 4 patches with 14 labels, 1,343 per
voxel; both 0.14 more per token of a patch. Other encoders need other amounts: SwinUNETR about four times UNETR's.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from vesalius import registry
from vesalius.data.fingerprint import AIR, Fingerprint, fingerprint
from vesalius.data.listing import Progress
from vesalius.data.plan import Plan, Sides
from vesalius.data.table import SampleTable
from vesalius.errors import UserError

GIB = 2**30
MEMORY = 8 * GIB
"""Bytes, where nothing is said."""
MULTIPLE = 16
"""Voxels that a side of the patch is a multiple of: a ViT's patch. SwinUNETR and ResEnc need 32."""
_BASE, _PER_PARAMETER, _SLACK = 0.5 * GIB, 16, 1.3
_PARAMETERS = {"pretrain": 89.2e6, "finetune": 92.8e6}
_IMAGES = {"pretrain": 16, "finetune": 4}  # patches of a step that pass the network, views counted
_PER_VOXEL = {"pretrain": 154.55, "finetune": 1343.31}
_PER_TOKEN = 0.140625  # 12 layers x 12 heads x 4 bytes / 16^3 voxels: one row of attention a token
_TOKEN = 16
_THIN = 3.0
_WINDOW = (0.5, 99.5)
_BODY = -500.0
"""HU above which a voxel is body and not air."""


@dataclass(frozen=True)
class Planned:
    """``plan``; ``why``: for each of its fields one sentence; ``fingerprint``, where volumes had to be looked at; ``remarks``."""

    plan: Plan
    why: Mapping[str, str]
    fingerprint: Fingerprint | None = None
    remarks: tuple[str, ...] = field(default=())

    def as_recipe(self) -> dict[str, Any]:
        """What a recipe says to have this plan."""
        return {"data": {"plan": self.plan.model_dump(mode="json", exclude_none=True)}}


def planned(
    table: SampleTable,
    given: Mapping[str, Any] | None = None,
    *,
    memory: float | None = None,
    multiple: int | Sides = MULTIPLE,
    progress: Progress | None = None,
) -> Planned:
    """The plan for ``table``: fields that are ``given``, else those of its source's own plan, else what its volumes and ``memory`` (bytes) ask for.

    ``multiple``: what the sides of the patch are multiples of. Where ``memory`` is given the patch follows from it, whatever the
    source says. Volumes are read only where something is left open. Raises UserError where none can be read, and for fields that
    fit no plan.
    """
    fixed = {name: value for name, value in (given or {}).items() if value is not None or name == "spacing"}
    if odd := [name for name in fixed if name not in Plan.model_fields]:
        raise UserError(f"A plan has no field {odd[0]!r}; it has {', '.join(Plan.model_fields)}.")
    known = registry.names("sources")
    own = getattr(registry.entry("sources", table.source), "plan", None) if table.source in known else None
    values: dict[str, Any] = {} if own is None else own().model_dump()
    why = dict.fromkeys(values, f"as {table.source} is prepared where nothing else is said")
    found = None
    if own is None or memory is not None:
        open_fields = [name for name in Plan.model_fields if name not in fixed and (own is None or name == "patch")]
        if open_fields:
            found = fingerprint(table, progress=progress)
            values |= {k: v for k, v in {"spacing": fixed.get("spacing"), "modality": fixed.get("modality")}.items() if v is not None}
            drawn, reasons = from_fingerprint(found, values, memory or MEMORY, multiple)
            values |= {name: drawn[name] for name in open_fields}
            why |= {name: reasons[name] for name in open_fields}
    if isinstance(rule := fixed.get("intensity"), Mapping):  # of the same rule, some fields may be said alone
        before = dict(values.get("intensity") or {})
        fixed["intensity"] = {**(before if rule.get("rule", before.get("rule")) == before.get("rule") else {}), **rule}
    values |= fixed
    why |= dict.fromkeys(fixed, "given")
    try:
        plan = Plan.model_validate(values)
    except ValueError as error:
        raise UserError(f"The plan cannot be used: {_first(error)}. Correct data.plan.") from None
    remarks = [] if found is None else _remarks(found)
    if found is not None and "patch" not in fixed and (need := _need(plan.patch)) > (memory or MEMORY):
        remarks.append(
            f"Even a patch of {' x '.join(map(str, plan.patch))} voxels needs about {need / GIB:.1f} GiB, because the networks that this is reckoned"
            " for have 90 million parameters. A smaller network needs less: set data.plan.patch yourself."
        )
    return Planned(plan, why, found, tuple(remarks))


def from_fingerprint(
    found: Fingerprint, known: Mapping[str, Any], memory: float, multiple: int | Sides
) -> tuple[dict[str, Any], dict[str, str]]:
    """Every field of a plan, and why; ``known``: a spacing or modality that is settled already."""
    modality = str(known.get("modality") or found.modality)
    spacing = known.get("spacing") or spacing_for(found)
    sides = (multiple,) * 3 if isinstance(multiple, int) else tuple(multiple)
    shape = np.median(found.extents, axis=0) / np.asarray(spacing)
    patch = patch_for(spacing, shape.tolist(), memory, sides)
    need = _need(patch)
    intensity, foreground, reasons = _values(found, modality)
    extent = " x ".join(f"{side * step:.0f}" for side, step in zip(patch, spacing, strict=True))
    fields = {
        "modality": modality, "orientation": "RAS", "spacing": tuple(spacing), "intensity": intensity, "foreground": foreground,
        "crop": True, "patch": patch,
    }  # fmt: skip
    files = ", ".join(f"{count} {axes}" for axes, count in found.axes.items())
    return fields, {
        "modality": "said by the data" if found.said else "by the values: they are HU" if modality == "ct" else "by the values: they are no HU",
        "orientation": f"one order for all volumes (files: {files})",
        "spacing": _why_spacing(found),
        **reasons,
        "crop": "what is around the foreground is not stored",
        "patch": f"{extent} mm; a step needs about {need / GIB:.1f} of {memory / GIB:g} GiB",
    }


def spacing_for(found: Fingerprint) -> tuple[float, float, float]:
    """mm along x, y and z; see the module."""
    middle = np.median(found.spacings, axis=0)
    thin = (middle >= _THIN * middle.min()) & (found.spacings.max(axis=0) > found.spacings.min(axis=0))
    middle[thin] = np.maximum(np.percentile(found.spacings, 10, axis=0), middle.min())[thin]
    x, y, z = (float(f"{step:.3g}") for step in middle)
    return x, y, z


def patch_for(spacing: Sequence[float], shape: Sequence[float], memory: float, multiple: Sequence[int]) -> Sides:
    """Voxels per side; ``shape``: those of the median volume at ``spacing`` mm. The least there is where even that needs more."""
    most = [max(step, math.ceil(side / step - 1e-6) * step) for side, step in zip(shape, multiple, strict=True)]

    def cube(mm: float) -> list[int]:
        return [min(limit, max(step, int(mm / size / step + 1e-6) * step)) for size, limit, step in zip(spacing, most, multiple, strict=True)]

    def fits(sides: Sequence[int]) -> bool:
        return _need(sides) <= memory

    steps = sorted({size * step * n for size, limit, step in zip(spacing, most, multiple, strict=True) for n in range(1, limit // step + 1)})
    best = list(multiple)
    for mm in steps:
        if fits(cube(mm)):
            best = cube(mm)
    grown = True
    while grown:  # what the cube's rounding left over, the shortest side in mm first
        grown = False
        for axis in np.argsort(np.multiply(best, spacing), kind="stable"):
            more = [side + multiple[axis] * (at == axis) for at, side in enumerate(best)]
            if more[axis] <= most[axis] and fits(more):
                best, grown = more, True
                break
    return best[0], best[1], best[2]


def _need(patch: Sequence[int]) -> float:
    """Bytes of the larger of a step of pretraining and one of fine-tuning."""
    return max(bytes_of(patch, "pretrain"), bytes_of(patch, "finetune"))


def bytes_of(patch: Sequence[int], stage: str) -> float:
    """Memory of a step of ``pretrain`` or ``finetune`` with the module's networks and batch, fp32."""
    return _BASE + _PER_PARAMETER * _PARAMETERS[stage] + _SLACK * _IMAGES[stage] * kept_bytes(patch, stage)


def kept_bytes(patch: Sequence[int], stage: str) -> float:
    """What one patch (of one view) keeps for the backward pass, in fp32."""
    voxels = math.prod(patch)
    return voxels * (_PER_VOXEL[stage] + _PER_TOKEN * voxels / _TOKEN**3)


def memory_of(said: str) -> float:
    """Bytes of ``8GiB``, ``8GB``, ``24000MB``; a bare number is GiB. Raises UserError for anything else."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([KMGT]?)(i?)B?\s*", said, re.IGNORECASE)
    if match is None or float(match[1]) <= 0:
        raise UserError(f"--memory is {said!r}: give an amount such as 8GiB or 24GB.")
    letter = match[2].upper()
    if not letter:
        return float(match[1]) * GIB
    return float(match[1]) * float(1024 if match[3] else 1000) ** ("KMGT".index(letter) + 1)


def _values(found: Fingerprint, modality: str) -> tuple[dict[str, Any], float | str, dict[str, str]]:
    """Intensity rule and foreground."""
    if modality == "ct":
        low, high = found.percentiles(_WINDOW, above=AIR)
        low, high = 10 * math.floor(low / 10), 10 * math.ceil(high / 10)
        rule = {"rule": "window", "low": float(low), "high": float(max(high, low + 10)), "clip": True}
        return rule, _BODY, {"intensity": "HU that 99 % of what is not air lies within", "foreground": "HU: body, not air"}
    foreground = "nonzero" if found.zeros_are_outside else "otsu"
    said = "around the anatomy all is 0" if foreground == "nonzero" else "values have no unit: what is brighter than Otsu's threshold"
    rule = {"rule": "percentiles", "low": _WINDOW[0], "high": _WINDOW[1], "clip": True}
    return rule, foreground, {"intensity": "values have no unit: percentiles of each volume's foreground", "foreground": said}


def _why_spacing(found: Fingerprint) -> str:
    ends = zip(found.spacings.min(axis=0), found.spacings.max(axis=0), strict=True)
    spread = " x ".join(f"{low:.3g}" if f"{low:.3g}" == f"{high:.3g}" else f"{low:.3g}..{high:.3g}" for low, high in ends)
    middle = np.median(found.spacings, axis=0)
    thin = "; a thin stack, whose slices stay as they are" if middle.max() >= _THIN * middle.min() else ""
    return f"median (files: {spread} mm){thin}"


def _remarks(found: Fingerprint) -> list[str]:
    said = [f"{len(found.looked)} of {found.count:,} volumes were looked at."] if len(found.looked) < found.count else []
    if found.unreadable:
        said.append(f"{len(found.unreadable)} could not be read; the first: {found.unreadable[0]} `vesalius data check` names them.")
    like = sum(one.like_ct for one in found.looked)
    if not found.said and 0 < like < len(found.looked):
        said.append(
            f"The values of {like} of {len(found.looked)} volumes look like HU, those of the others do not: CT beside something else. Learn from"
            " one of them, or say which (data.plan.modality)."
        )
    return said


def _first(error: ValueError) -> str:
    from pydantic import ValidationError

    if not isinstance(error, ValidationError):
        return str(error)
    told = error.errors()[0]
    return f"{'.'.join(map(str, told['loc']))}: {told['msg'].removeprefix('Value error, ')}"
