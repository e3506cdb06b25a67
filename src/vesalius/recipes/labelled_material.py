"""From a recipe of ``finetune`` to its labelled images, its encoder as it is given, and its training views."""

from __future__ import annotations

from typing import Any

from vesalius import views
from vesalius.data import references
from vesalius.data.class_order import as_told
from vesalius.data.dataset import DataSet, divide, open_data, pick_channels, resolve
from vesalius.data.plan import Plan
from vesalius.data.settings import StoreSettings, window_of
from vesalius.data.table import SampleTable
from vesalius.encoders import build_encoder, load_encoder
from vesalius.encoders.encoder import Encoder
from vesalius.encoders.loading import PUBLIC
from vesalius.errors import UserError
from vesalius.features.records import MARGIN, store_for
from vesalius.recipes.finetune_config import FinetuneConfig
from vesalius.recipes.segmentation.planning import resolved
from vesalius.terminal import Terminal
from vesalius.views.pipeline import Views
from vesalius.views.recipe import is_pixelwise

_SMALL = 32
MILD = ({"affine": {"degrees": 10, "outside": "edge"}}, {"random_resized_crop": {"scale": [0.75, 1.0]}},
        {"colour_jitter": {"brightness": 0.2, "contrast": 0.2, "p": 0.8}})  # fmt: skip
"""Augmentation that keeps what a physician would call the image: a little turned, cut, brighter. Nothing is mirrored:
left and right may be what the label is about."""
PLACE = ({"patch": {"from": "foreground"}},)
MILD_VOLUMES = ({"contrast": {"factor": [0.8, 1.25], "p": 0.5}}, {"scale_intensity": {"factor": 0.1, "p": 0.5}})
"""The same of a volume: a patch around what is in it, a little brighter."""


def load_labelled(config: FinetuneConfig, terminal: Terminal) -> SampleTable:
    """List and divide the labelled images. Raises UserError in one paragraph for what cannot be used."""
    data = config.data
    tabular = references.parse(data.train).source in ("table", "dicom", "volumes")
    table = resolve(
        data.train,
        root=data.root,
        task=data.task,
        labels=data.labels,
        kind=data.kind if tabular else None,
        subject=data.subject,
        labels_file=data.labels_file,
        columns=data.columns,
        mapping=data.mapping,
        uncertain=data.uncertain,
        filter=data.filter,
        download=data.download,
        allow_leakage=data.allow_leakage,
        limit=data.limit,
        terminal=terminal,
    )
    table.require_task(data.train)
    table = as_told(table, data.kind, data.classes)
    return divide(table, data.split, allow_leakage=data.allow_leakage, require_subjects=data.require_subjects)


def given_encoder(config: FinetuneConfig, table: SampleTable) -> Encoder:
    """The encoder as the user gives it, before anything is learnt: a pure function of the recipe and what it names.

    Raises UserError for images of neither one channel nor three.
    """
    given = config.encoder
    name, weights = given.name, given.weights
    if name is None:
        assert weights is not None
        if not weights.startswith(PUBLIC):
            return load_encoder(weights, min_match=given.min_match)
        name = weights
    if table.dims == 3:
        return _of_volumes(config, name, table)
    chosen = config.data.channels
    channels = chosen if isinstance(chosen, int) else pick_channels(table)
    if not isinstance(channels, int):
        raise UserError("These images have neither one channel nor three; set --data.channels to 1 or 3.")
    side = given.size or _SMALL
    encoder = build_encoder(
        name, channels=channels, size=(side, side), weights=weights, min_match=given.min_match, seed=config.seed, **given.fields
    )
    if config.data.window != "auto":
        encoder.card = encoder.card.model_copy(update={"window": window_of(config.data.window)})
    return encoder


def _of_volumes(config: FinetuneConfig, name: str, table: SampleTable) -> Encoder:
    """A network by name for volumes, which are prepared by their own plan."""
    given = config.encoder
    plan, _ = resolved({} if given.size is None else {"patch": (given.size,) * 3}, None, table)
    encoder = build_encoder(name, channels=1, size=plan.patch, weights=given.weights, min_match=given.min_match, seed=config.seed, **given.fields)
    encoder.card = encoder.card.model_copy(update={"plan": plan})
    return encoder


def open_labelled(config: FinetuneConfig, table: SampleTable, encoder: Encoder, terminal: Terminal) -> DataSet:
    """``table`` with its pixels, decoded at the encoder's number of channels and a little above its size.

    Raises UserError for fields that contradict the encoder's card.
    """
    data, card = config.data, encoder.card
    settings = store_for(encoder, table)
    if isinstance(settings, Plan):
        for field, unused in (("size", data.size != "auto"), ("channels", data.channels not in ("auto", 1)), ("window", data.window != "auto")):
            if unused:
                raise UserError(f"data.{field} is for images; volumes are prepared by the plan in the encoder's card. Leave it out.")
        found: DataSet = open_data(data.train, table, settings, terminal, max_bad_share=data.max_bad_share)
        return found
    channels: Any = card.channels if card.channels in (1, 3) else "keep"
    if data.channels not in ("auto", channels):
        raise UserError(f"data.channels is {data.channels}, but the encoder takes {card.channels} channel(s). Leave it at auto.")
    window = card.window if data.window == "auto" else window_of(data.window)
    if window != card.window:
        raise UserError(
            f"data.window is {data.window}, but the encoder learnt from images windowed by {card.window}. Leave it at auto."
        )
    size: Any = round(MARGIN * max(card.size)) if data.size == "auto" else data.size
    return open_data(data.train, table, StoreSettings(size=size, channels=channels, window=window), terminal, max_bad_share=data.max_bad_share)


def training_views(config: FinetuneConfig, encoder: Encoder) -> Views:
    """The views that are learnt from, at the encoder's size, ending as its card's preprocessing ends.

    Raises UserError for views without the group ``global``.
    """
    card = encoder.card
    shared, steps = ((), MILD) if len(card.size) == 2 else (PLACE, MILD_VOLUMES)
    recipe: Any = {"global": {"count": 1, "size": list(card.size), "operations": [dict(step) for step in steps]}}
    recipe |= {"shared": [dict(step) for step in shared]} if shared else {}
    if config.views != "mild":
        recipe = views.at_size(views.load(config.views, card.channels), card.size).config()
    if "global" not in recipe:
        raise UserError(f"Fine-tuning needs views named 'global'; these views make {', '.join(k for k in recipe if k != 'shared')}.")
    group = recipe["global"]
    ending = [step for step in card.preprocessing if is_pixelwise(step)]
    made = {**recipe, "global": {**group, "size": list(card.size), "operations": [*group["operations"], *ending]}}
    return views.load({key: made[key] for key in ("shared", "per_channel", "global") if key in made}, card.channels)
