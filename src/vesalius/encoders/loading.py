"""Read weights, fill a network with them and say what matched; find the encoder a reference means."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from vesalius import files
from vesalius.encoders.channels import adapt
from vesalius.encoders.encoder import Card, Encoder
from vesalius.encoders.fetching import fetched, is_address
from vesalius.encoders.foreign import Weights, read_weights, unknown_network, weights_file
from vesalius.encoders.layouts import Architecture, read_contents, tell
from vesalius.encoders.lightly_resnet import NAMES as LIGHTLY
from vesalius.encoders.lightly_resnet import LightlyEncoder
from vesalius.encoders.loaded import Loaded, some
from vesalius.encoders.prepared import folder_of, is_model, untrained
from vesalius.encoders.prepared import names as zoo_names
from vesalius.encoders.projector import load_projector
from vesalius.encoders.published import published
from vesalius.encoders.saving import CARD, WEIGHTS, weights_hash
from vesalius.encoders.unfinished import newest_encoder
from vesalius.errors import UserError
from vesalius.runs.checkpoints import encoder_folder as encoder_folder_of

_log = logging.getLogger("vesalius")
PUBLIC = ("timm:", "torchvision:")
"""How the names of networks begin whose published weights can be had by the same name."""
_OPTIONAL = ("num_batches_tracked", "mask_token")
_UNUSED = ".norm_cross_attn."
"""In MONAI's names since 1.4: a norm that no forward calls, so that older files need not hold it."""


def read_tensors(path: str | Path) -> dict[str, Tensor]:
    """The tensors of a file, by its content: safetensors, a checkpoint of torch, a pickle of arrays. Raises UserError."""
    return dict(read_contents(path).tensors)


def fill(
    network: nn.Module,
    tensors: Mapping[str, Tensor],
    source: str,
    min_match: float = 0.95,
    made_for: Sequence[int] = (),
) -> Loaded:
    """Copy ``tensors`` into ``network`` in place, its own layout kept. Raises UserError under a share of ``min_match``.

    A common prefix (``module.``, ``encoder.``, ``backbone.``) is found and dropped; first convolution and position
    embeddings are adapted (see ``channels``; ``made_for``: pixels per side of the weights). Counters of batch-norm and
    a mask token may be missing.
    """
    own = network.state_dict()
    prefix = _prefix(own, tensors)
    given, notes = adapt(
        {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}, network, made_for
    )
    matched = [k for k in own if k in given and given[k].shape == own[k].shape]
    lacking = [k for k in own if k not in matched and not k.endswith(_OPTIONAL)]
    missing = [k for k in lacking if _UNUSED not in k]
    if len(lacking) > len(missing):
        notes.append(
            f"{len(lacking) - len(missing)} tensors that no forward of MONAI uses (norm_cross_attn) are not in it"
        )
    unexpected = [k for k in given if k not in own] + [k for k in tensors if not k.startswith(prefix)]
    shapes = [f"{k} {tuple(given[k].shape)} for {tuple(own[k].shape)}" for k in missing if k in given]
    loaded = Loaded(source, tuple(matched), tuple(missing), tuple(unexpected), tuple(notes), reshaped=tuple(shapes))
    share = len(matched) / max(1, len(matched) + len(missing))
    if share < min_match:
        raise UserError(
            f"Only {share:.0%} of the network's tensors were found in {source}; {min_match:.0%} are asked for. "
            f"Missing: {some(missing)}. Not used: {some(unexpected)}."
            + (f" Other shapes: {some(shapes)}." if shapes else "")
            + " Build the network with the options of the weights (stem, width, size), or lower min_match."
        )
    with torch.no_grad():
        for name in matched:
            own[name].copy_(given[name])
    return loaded


def weights_from(reference: str) -> Weights:
    """What ``timm:NAME``, ``torchvision:NAME`` (downloaded), an address, a file, folder or run holds. Raises UserError."""
    family, _, name = reference.partition(":")
    if family in ("timm", "torchvision"):
        module = import_module(f"vesalius.encoders.{family}_family")
        tensors, (mean, std) = module.pretrained(name), module.statistics(name)
        size = module.made_for(name) if family == "timm" else ()
        return Weights(reference, tensors, mean=mean, std=std, size=size, architecture=tell(tensors, {}))
    place = fetched(reference) if is_address(reference) else _place(reference)
    own = own_files(place)
    begun = newest_encoder(place) if own is None and place.is_dir() else None
    if begun is not None:
        step, tensors, card = begun
        return Weights(f"{step} of {_name(reference, place)}", tensors, mean=card.mean, std=card.std, size=card.size, architecture=_as_told(card))
    if own is None:
        file = weights_file(place) if place.is_dir() else place
        if file is None:
            raise _holds_none(reference, place)
        return read_weights(file)
    file, card = own[0], read_card(own[1])
    source = _name(reference, place)
    return Weights(source, read_tensors(file), mean=card.mean, std=card.std, size=card.size, architecture=_as_told(card))


def by_chance(reference: str, weights: str | None) -> str:
    """A sentence where ``reference`` is a network's name alone, whose weights are random; otherwise nothing.

    Nothing of a user's own network either, which may fill itself, nor of ``random_r50`` and its like, which say it.
    """
    from vesalius.encoders.build import is_name

    if weights is not None or ".py:" in reference or not is_name(reference):
        return ""
    public = reference.startswith(PUBLIC)
    learnt = f"--weights {reference} takes the published ones."
    if not public:
        learnt = "Name what has learnt: a run, a file of weights, or a public network as timm:resnet18."
    return f"{reference} is the name of a network, and its weights are random. {learnt}"


def _name(reference: str, place: Path) -> str:
    """What a card may say of where weights are from: an id, or a name without its folder."""
    return reference if reference.startswith(("run:", "mlflow:")) else place.name


def _as_told(card: Card) -> Architecture:
    return Architecture(card.architecture, card.options, card.channels, card.size, card.architecture)


def load_encoder(
    reference: str | Path, *, code: str | Path | None = None, min_match: float = 0.95, **options: Any
) -> Encoder:
    """The encoder that ``reference`` means, in evaluation mode, a plain ``torch.nn.Module``.

    ``reference``: a folder or run folder with ``encoder.safetensors`` and ``encoder.json`` (or, while the run is not
    done, a checkpoint), such a file, ``run:ID``; ``mlflow:RUN_ID[/artifact path]``, fetched and cached; a
    network's name (``resnet18``, ``timm:NAME``, ``torchvision:NAME``), whose weights are random unless ``weights`` is
    among ``options`` (see ``build_encoder``); a model of the zoo that was prepared (``moco-v2``), or ``random_r50`` and its like
    without training; or a checkpoint of others, a file, its address or a folder, that tells
    its network (then ``options``, such as ``size``, go before what it tells). ``latest`` is the latest run. ``code``:
    the user's file, where the architecture is one and it is not in the current folder. What matched is logged and kept
    as ``encoder.loaded``. Raises UserError.
    """
    from vesalius.encoders.build import build_encoder, is_name

    if isinstance(reference, str) and is_name(reference):
        return build_encoder(reference, min_match=min_match, code=code, **options).eval()
    reference = str(reference)
    if (made := untrained(reference, **options)) is not None:
        return made
    place = fetched(reference) if is_address(reference) else _place(reference)
    own = own_files(place)
    begun = newest_encoder(place) if own is None and place.is_dir() else None
    if own is None and begun is None:
        model = published(place.stem) if place.suffix == ".pth" else None
        if model is not None and not options:  # models/NAME.pth of SSL_medicalimaging: its name says what the file does not
            from vesalius.encoders.preparing import converted

            return converted(place, *model)
        return _of_others(reference, place, code, min_match, options)
    if options:
        raise UserError(f"The card of {reference} says how it was built: {', '.join(options)} cannot be chosen again.")
    if own is not None:
        name, tensors, card = own[0].name, read_tensors(own[0]), read_card(own[1])
    else:
        assert begun is not None
        name, tensors, card = f"checkpoint {begun[0]} of a run that is not done", *begun[1:]
    shape: dict[str, Any] = {"channels": card.channels, "size": card.size}
    built = build_encoder(card.architecture, code=code, from_card=True, **shape, **card.options)
    loaded = fill(built.network, tensors, name, min_match)
    built.loaded = loaded
    built.card = card
    if own is not None and isinstance(built, LightlyEncoder) and (projector := load_projector(own[0].parent)) is not None:
        built.head = projector.state_dict()
    _log.info("%s", loaded.sentence())
    if card.weights and weights_hash(built) != card.weights:
        _log.warning("The weights of %s are not those its card was written for (SHA-256 differs).", name)
    return built.eval()


def _of_others(
    reference: str, place: Path, code: str | Path | None, min_match: float, options: dict[str, Any]
) -> Encoder:
    """The encoder in a checkpoint of others: the network it tells of, filled with it."""
    from vesalius.encoders.build import build_encoder

    file = weights_file(place) if place.is_dir() else place
    if file is None:
        raise _holds_none(reference, place)
    if "weights" in options:
        raise UserError(
            f"{reference} are weights, and weights were given too. Name a network first: resnet50, timm:NAME."
        )
    weights = read_weights(file)
    told = weights.architecture
    if told is None:
        raise unknown_network(weights)
    given = {"channels": told.channels, "size": told.size, **options}
    whole = told.name in LIGHTLY  # one of its tensors left at random is one too many: they are all in the file
    own = weights.card is not None  # a card names code, and may not say where it lies
    built = build_encoder(told.name, weights=weights, code=code, min_match=1.0 if whole else min_match, from_card=own, **given).eval()
    if weights.card is not None and not options:
        built.card = weights.card
    return built


def own_files(place: Path) -> tuple[Path, Path] | None:
    """Weights and card of an encoder of ours at ``place``, a folder or either file; None where there is none."""
    if place.is_dir():
        weights, card = place / WEIGHTS, place / CARD
    else:
        weights, card = place.with_suffix(".safetensors"), place.with_suffix(".json")
        if place not in (weights, card):
            return None
    if not (weights.is_file() and card.is_file()):
        return None
    if card.name != CARD:
        try:
            found = json.loads(card.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        if not (isinstance(found, dict) and {"architecture", "dim"} <= found.keys()):
            return None
    return weights, card


def _holds_none(reference: str, folder: Path) -> UserError:
    inside = ", ".join(sorted(p.name for p in folder.iterdir())[:8]) or "nothing"
    return UserError(
        f"{reference} holds no encoder: {CARD} and {WEIGHTS} must be there, and there is {inside}. "
        "Give the folder of a run or one written by save_encoder, or the file of a checkpoint."
    )


def encoder_folder(reference: str | Path) -> Path | None:
    """The folder that holds the encoder of ``reference``; None for the name of a network or of a model of the zoo, and an address."""
    from vesalius.encoders.build import is_name

    if is_name(str(reference)) or is_address(str(reference)) or is_model(str(reference)):
        return None
    place = _place(str(reference))
    return place if place.is_dir() else place.parent


def read_card(file: Path) -> Card:
    """The card in ``file``. Raises UserError where it is none."""
    try:
        return Card.model_validate(json.loads(file.read_text(encoding="utf-8")))
    except ValueError as error:
        raise UserError(f"{file} is not an encoder's card: {error}. Export the encoder again.") from error


def _place(reference: str) -> Path:
    from vesalius import runs
    from vesalius.encoders.build import known_names

    path = Path(reference).expanduser()
    if path.exists():
        return _trained(path)
    if (prepared := folder_of(reference)) is not None:
        return prepared
    try:
        return _trained(runs.find(reference))
    except UserError as error:
        if reference.startswith("run:") or " fits " in str(error):
            raise
        near = get_close_matches(reference, [*zoo_names(), *known_names()], n=3) or files.near(reference)
        raise UserError(
            f"There is no encoder {reference!r}: no such folder, file, run or network."
            + (f" Did you mean {', '.join(near)}?" if near else "")
            + f" Give a run folder or id, a model of the zoo (vesalius models list), or one of {', '.join(known_names())}, timm:NAME, "
            "torchvision:NAME, my_file.py:build."
        ) from None


def _trained(place: Path) -> Path:
    """``place``; of a selection's run the folder of its training, where the encoder lies."""
    return (encoder_folder_of(place) or place) if place.is_dir() else place


def _prefix(own: Mapping[str, Tensor], tensors: Mapping[str, Tensor]) -> str:
    names = list(own)
    probes = {names[0], names[len(names) // 2], names[-1]}
    candidates = {""} | {k.removesuffix(p) for k in tensors for p in probes if k.endswith(p)}
    return max(sorted(candidates, key=len), key=lambda c: sum(c + n in tensors for n in names))
