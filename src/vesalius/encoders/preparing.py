"""From the file somebody published to an encoder of ours: converted, filled strictly, compared, written."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from vesalius.encoders.build import build_encoder
from vesalius.encoders.encoder import Card, Encoder
from vesalius.encoders.layouts import read_contents
from vesalius.encoders.published import Family, Published
from vesalius.encoders.reference_network import difference
from vesalius.encoders.saving import save_encoder
from vesalius.encoders.strict import COUNTER, fill_exactly
from vesalius.errors import UserError
from vesalius.files import checksum

TOLERANCE = 1e-5
"""The largest difference to the network's own library that passes, over the largest feature."""


def converted(path: Path, family: Family, model: Published) -> Encoder:
    """The encoder in ``path``, in evaluation mode, with its card: the published file, or the one that SSL_medicalimaging made of
    it (``models/NAME.pth``, the network's tensors and nothing else). Raises UserError.
    """
    encoder = build_encoder(model.architecture, channels=model.channels, size=model.size, **model.options)
    plain = _plain(path, encoder)
    tensors = family.tensors(path, model) if plain is None else plain
    encoder.loaded = fill_exactly(encoder.network, tensors, path.name)
    encoder.eval()
    told = difference(encoder)
    if told is not None and not told <= TOLERANCE:
        raise UserError(
            f"{path.name}: the features differ from those of the network's own library by {told:.1e} of the largest, and {TOLERANCE} is allowed. "
            "Nothing was written. Get the published file again."
        )
    kind = " (prepared by SSL_medicalimaging)" if plain is not None else _published(path, model)
    against = "" if told is None else f", features equal to those of the network's own library within {max(told, 1e-7):.0e}"
    encoder.card = card_of(model, encoder.card, f"{path.name}{kind}, SHA-256 {checksum(path)}, {len(encoder.loaded.matched)} tensors{against}")
    return encoder


def _published(path: Path, model: Published) -> str:
    """Whether the file has the digest its publisher gives; empty where none is given."""
    algorithm, stated = ("sha256", model.sha256) if model.sha256 else ("md5", model.md5)
    if not stated:
        return ""
    return " (as published)" if checksum(path, algorithm).startswith(stated.lower()) else " (not the published file: its digest differs)"


def _plain(path: Path, encoder: Encoder) -> Mapping[str, Tensor] | None:
    """The tensors of a file that holds those of the network and no other, under their own names; None for any other file."""
    if path.suffix.lower() not in (".pth", ".pt", ".safetensors"):
        return None
    contents = read_contents(path)
    own = {name for name in encoder.network.state_dict() if not name.endswith(COUNTER)}
    return contents.tensors if not contents.nest and {name for name in contents.tensors if not name.endswith(COUNTER)} == own else None


def card_of(model: Published, built: Card, verified: str) -> Card:
    """What ``built`` says of the network with all that is known of the model."""
    notes = [f"{model.name} of the zoo", *model.notes, f"verified against: {verified}"]
    said = {"preprocessing": model.preprocessing, "mean": model.mean, "std": model.std, "trained_on": model.trained_on, "licence": model.licence}
    return Card.model_validate({**built.model_dump(), **said, "imagenet_top1": model.imagenet_top1, "notes": notes})


def prepare(path: Path, family: Family, model: Published, folder: Path) -> Encoder:
    """Write the encoder of the published file ``path`` to ``folder``. Raises UserError; then nothing is written."""
    encoder = converted(path, family, model)
    save_encoder(encoder, folder)
    return encoder
