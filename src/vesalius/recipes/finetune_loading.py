"""From a recipe's name, a file or a mapping, and the user's changes, to a checked configuration of ``finetune``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vesalius import registry
from vesalius.encoders.build import check_options, is_name
from vesalius.encoders.prepared import is_model
from vesalius.errors import UserError
from vesalius.recipes.augmentation import with_files
from vesalius.recipes.checking import check
from vesalius.recipes.compat import classifier_changes
from vesalius.recipes.finetune_config import FinetuneConfig
from vesalius.recipes.layers import GIVEN, Layer, layers, merged
from vesalius.recipes.segmentation.compat import changes as segmentation_changes
from vesalius.recipes.segmentation.config import SegmentationConfig, asked_for
from vesalius.recipes.tracking import check_trackers


def load_finetune(
    reference: str | Path | Mapping[str, Any], changes: Mapping[str, Any] | None = None, *, complete: bool = True
) -> FinetuneConfig | SegmentationConfig:
    """The configuration alone of ``finetune_and_sentences``."""
    return finetune_and_sentences(reference, changes, complete=complete)[0]


def finetune_and_sentences(
    reference: str | Path | Mapping[str, Any], changes: Mapping[str, Any] | None = None, *, complete: bool = True
) -> tuple[FinetuneConfig | SegmentationConfig, list[str]]:
    """The checked configuration: recipe, then the user's ``changes``, ``compat`` as in ``load_pretrain``; and what to tell the user.

    Where ``data.kind`` is segmentation it is that of a segmenter.

    ``complete``: refuse a recipe that names no encoder or no images, which those that are shipped leave to the user. Raises
    UserError naming the key and the nearest.
    """
    given = [*layers(reference, "finetune"), Layer(dict(changes or {}), GIVEN)]
    config, origins = merged(given, with_encoder)
    for plugin in config.get("plugins") or ():
        registry.load_plugin(plugin)
    if (word := str(config.get("compat", "none"))) != "none":
        said = max(i for i, layer in enumerate(given) if "compat" in layer.fields)
        brought = Layer(segmentation_changes(word) if asked_for(config) else classifier_changes(word, config), f"compat {word}")
        config, origins = merged([*given[:said], brought, *given[said:]], with_encoder)
    config, sentences = with_files(config, "finetune")
    model: type[FinetuneConfig] | type[SegmentationConfig] = SegmentationConfig if asked_for(config) else FinetuneConfig
    checked = check(model, config).said_by(origins)
    check_trackers(checked.tracking)
    encoder = checked.encoder
    if complete and not checked.data.train:
        things = "volumes" if isinstance(checked, SegmentationConfig) else "images"
        raise UserError(f"The recipe names no labelled {things}: give them with --data.train, a folder, a table or a data set's name.")
    if complete and encoder.name is None and encoder.weights is None:
        raise UserError(
            "The recipe names no encoder: give it with --encoder, a run (folder, id or latest), a folder or file of weights, or a "
            "network's name."
        )
    if encoder.name is not None:
        check_options(encoder.name, encoder.fields)
    elif encoder.fields:
        raise UserError(
            f"{', '.join(encoder.fields)}: options of a network by name, but encoder.weights says how its network was built. "
            "Leave them out, or give encoder.name."
        )
    return checked, sentences


def with_encoder(layer: Mapping[str, Any]) -> dict[str, Any]:
    """``layer`` with the one word that may be given for an encoder under ``name`` or, where it is no network, ``weights``.

    Raises UserError where weights are given twice.
    """
    given = layer.get("encoder")
    if given is None:
        return dict(layer)
    fields = dict(given) if isinstance(given, Mapping) else {"name": str(given)}
    name = fields.get("name")
    if name is not None and not is_name(str(name)) and _is_reference(str(name)):
        if fields.get("weights"):
            raise UserError(f"--encoder {name} has weights of its own; leave --encoder.weights {fields['weights']} out, or name a network.")
        fields |= {"weights": str(fields.pop("name")), "name": None}
    return {**layer, "encoder": fields}


def _is_reference(word: str) -> bool:
    """Whether ``word`` means something saved: otherwise it is left to be refused as a network's name, with the nearest."""
    from vesalius import runs

    if Path(word).expanduser().exists() or "/" in word or "." in word or ":" in word or word == "latest" or is_model(word):
        return True
    try:
        runs.find(word)
    except UserError:
        return False
    return True
