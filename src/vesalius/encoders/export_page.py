"""The two files beside every exported encoder: ``export.json`` for programs, ``README.md`` for people."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib import metadata
from typing import Any

from vesalius.data.plan import Plan
from vesalius.encoders.agreement import TOLERANCE, Agreement
from vesalius.encoders.encoder import Card
from vesalius.encoders.exported import Exported


def facts(target: str, card: Card, written: Exported) -> dict[str, Any]:
    """Everything a program needs to load and to feed what was written, as it comes back from JSON."""
    said = card.model_dump(mode="json")
    fed = {key: said[key] for key in ("channels", "size", "preprocessing", "mean", "std")}
    fed |= {} if card.plan is None else {"plan": said["plan"]}
    told = {key: said[key] for key in ("architecture", "options", "dim", "weights", "trained_on", "licence", "notes")}
    found = {
        "target": target,
        "file": written.file,
        "model": written.model,
        "load": dict(written.load),
        "input": {**fed, "range": [0, 1] if _range(card) else None, "standardised_inside": written.inside},
        **told,
        "versions": {name: metadata.version(name) for name in ("vesalius", "torch", written.library)},
    }
    plain: dict[str, Any] = json.loads(json.dumps(found))
    return plain


def readme(card: Card, written: Exported, found: Agreement) -> str:
    """The page: how to load it, what to feed it, what it was trained on, under which licence, how it was checked."""
    shape = ", ".join(["B", str(card.channels), *map(str, card.size)])
    steps = "; ".join(_step(step) for step in card.preprocessing) or "none"
    unit = "voxels" if len(card.size) == 3 else "pixels"
    version = metadata.version(written.library)
    lines = [
        *([written.front] if written.front else []),
        f"# {written.model}, an encoder of {'volumes' if len(card.size) == 3 else 'images'}",
        "",
        f"Written by Vesalius {metadata.version('vesalius')} from `{card.architecture}`. It makes {card.dim} features of an image.",
        "",
        "```python",
        *written.code,
        "```",
        "",
        f"`images`: `({shape})`, floats{_range(card)}. `features`: `(B, {card.dim})`.",
        "",
        "## What goes in",
        "",
        f"- {card.channels} channel{'s' if card.channels > 1 else ''}, {'×'.join(map(str, card.size))} {unit}, floats{_range(card)}.",
        f"- Before that: {steps if card.plan is None else _prepared(card.plan)}.",
        f"- Standardisation: {_standardisation(card, written)}",
        "",
        "## Where it comes from",
        "",
        f"- Trained on: {card.trained_on.rstrip('.')}.",
        f"- Licence: {card.licence.rstrip('.') or 'not stated; say under which one you share it before you do'}.",
        *[f"- {note.rstrip('.')}." for note in card.notes],
        f"- SHA-256 of the weights: `{card.weights}`.",
        "",
        "## How it was checked",
        "",
        f"Loaded again by {written.library} {version} and given the same images as the original: the largest difference in "
        f"{', '.join(found.outputs)} is {found.difference:.1e}, beside a largest feature of {found.largest:.3g} "
        f"({found.relative:.1e} of it; above {TOLERANCE:.0e} nothing would have been written).",
    ]
    return "\n".join(lines) + "\n"


def _range(card: Card) -> str:
    """The range of what goes in; nothing for volumes whose plan sets none."""
    bounded = card.plan is None or (card.plan.intensity.rule in ("window", "percentiles") and card.plan.intensity.clip)
    return " in [0, 1]" if bounded else ""


def _prepared(plan: Plan) -> str:
    """A plan in words: what a stranger does to a volume before he cuts a patch from it."""
    turned = "axes as the file has them" if plan.orientation == "native" else f"axes turned to {plan.orientation}"
    spacing = (
        "own spacing" if plan.spacing is None else f"resampled to {'×'.join(f'{side:g}' for side in plan.spacing)} mm"
    )
    rule = plan.intensity
    bounds = (
        f"{rule.low:g} to 0 and {rule.high:g} to 1{', clipped' if rule.clip else ''}"
        if rule.low is not None and rule.high is not None
        else ""
    )
    values = {
        "window": f"values from {bounds}{' (HU)' if plan.modality == 'ct' else ''}",
        "percentiles": f"percentiles of each volume's foreground from {bounds}",
        "zscore": "mean 0 and deviation 1 over each volume's foreground",
        "none": "values as they are",
    }
    return f"{turned}; {spacing}; {values[rule.rule]}"


def _standardisation(card: Card, written: Exported) -> str:
    if not card.mean:
        return "none. The encoder was trained on floats in [0, 1] as they are."
    numbers = f"mean {list(card.mean)} is subtracted from each channel, then it is divided by {list(card.std)}"
    if written.inside:
        return f"**inside**: {numbers}, by what is loaded here: give it [0, 1]."
    return f"**yours to do**: {numbers}; what is loaded here does not do it, the lines above do."


def _step(step: Mapping[str, Any]) -> str:
    """A Views operation in words: ``resize (shorter 32)``."""
    return ", ".join(
        name.replace("_", " ") + (f" ({', '.join(f'{k} {v}' for k, v in options.items())})" if options else "")
        for name, options in step.items()
    )
