"""Build an encoder from a network's name."""

from __future__ import annotations

import inspect
import logging
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import torch

from vesalius.encoders import (
    densenet,
    lightly_resnet,
    monai_family,
    own,
    resenc,
    resnet,
    timm_family,
    torchvision_family,
)
from vesalius.encoders.encoder import Card, Encoder, Encoding
from vesalius.encoders.foreign import Weights
from vesalius.encoders.loading import fill, weights_from
from vesalius.encoders.prepared import names as zoo_names
from vesalius.encoders.probing import dummy_forward
from vesalius.errors import UserError
from vesalius.random import torch_seed

Family = Callable[..., tuple[Encoder, dict[str, Any]]]
"""A family builds the network and returns with it what its card must say beyond name, options, channels and size."""

_log = logging.getLogger("vesalius")


def known_names() -> tuple[str, ...]:
    """Names of our own networks and MONAI's; besides them ``timm:NAME``, ``torchvision:NAME`` and ``my_file.py:build``."""
    return (*resnet.NAMES, *densenet.NAMES, *lightly_resnet.NAMES, *resenc.NAMES, *monai_family.NAMES)


def is_name(reference: str) -> bool:
    """Whether ``reference`` names a network, rather than saved weights."""
    return (
        reference in known_names() or reference.startswith(("timm:", "torchvision:", "monai:")) or ".py:" in reference
    )


def _shape(
    name: str, channels: int | None, size: tuple[int, ...] | None, start: Weights | None
) -> tuple[int, tuple[int, ...]]:
    """What was given; else, for volumes, what ``start`` tells; else 3 channels of 32 pixels, or 1 of 96 voxels, a side."""
    told = None if start is None else start.architecture
    volume = len(sides(name, 1)) == 3
    if told is not None and volume and told.name == name:
        channels, size = told.channels if channels is None else channels, told.size if size is None else size
    found = sides(name, 96 if volume else 32) if size is None else size
    return (1 if volume else 3) if channels is None else channels, tuple(int(side) for side in found)


def sides(name: str, side: int) -> tuple[int, ...]:
    """The size of a cube for a network of volumes, of a square for any other: ``side`` on every axis."""
    return (side,) * (3 if name.startswith("monai:") or name in resenc.NAMES else 2)


def build_encoder(
    name: str,
    *,
    channels: int | None = None,
    size: tuple[int, ...] | None = None,
    weights: str | Path | Weights | None = None,
    mean: Sequence[float] = (),
    std: Sequence[float] = (),
    seed: int = 0,
    min_match: float = 0.95,
    code: str | Path | None = None,
    from_card: bool = False,
    **options: Any,
) -> Encoder:
    """The network ``name`` for views of ``channels`` and ``size`` pixels, with a filled card, in training mode.

    ``channels``, ``size``: by default 3 and (32, 32); for networks of volumes what ``weights`` tell, or 1 and (96, 96, 96).

    ``weights``: where to start from: ``timm:NAME`` or ``torchvision:NAME`` (downloaded), a file in any of the layouts of
    docs/checkpoints.md, its address on the web, a run; None starts from random weights, a pure function of ``seed``. What
    they tell of this network (its stem, its width) goes where ``options`` say nothing. ``mean``, ``std``: what the encoder subtracts
    from and divides each channel by; those of pretrained weights and runs are known. ``options``: the family's own.
    ``code`` and ``from_card`` are for reloading a network of the user's (see ``load_encoder``). Raises UserError for an
    unknown name or option, and when fewer than ``min_match`` of the tensors are found in ``weights``.
    """
    family, network_name = _family(name, code, from_card)
    _check_options(name, family, options)
    start = weights if weights is None or isinstance(weights, Weights) else weights_from(str(weights))
    channels, size = _shape(name, channels, size, start)
    options = options if start is None else {**start.options(name), **options}
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(torch_seed("encoder", seed))
        encoder, facts = family(network_name, channels=channels, size=size, **options)
    said = {"architecture": name, "options": options, "channels": channels, "size": size, "dim": 1}
    encoder.card = Card.model_validate({**said, "preprocessing": _geometry(size), **facts})
    encoding = _first_look(encoder, name, channels, size)
    facts = {"dim": encoding.pooled.shape[1], "patch": _patch(encoding, size) if encoder.card.tokens else ()}
    encoder.card = encoder.card.model_copy(update=facts)
    if start is not None:
        _start_from(encoder, start, min_match, bool(mean or std))
    if mean or std:
        _standardise(encoder, tuple(mean), tuple(std))
    return encoder


def _patch(encoding: Encoding, size: tuple[int, ...]) -> tuple[int, ...]:
    """Sides of the patches that ``encoding`` cut images of ``size`` into; none where they are not all alike."""
    grid = tuple(encoding.map.shape[2:])
    if math.prod(grid) != encoding.tokens.shape[1] or any(side % count for side, count in zip(size, grid, strict=True)):
        return ()
    return tuple(side // count for side, count in zip(size, grid, strict=True))


def _geometry(size: tuple[int, ...]) -> list[dict[str, Any]]:
    """The shorter side is resized to the encoder's size, then the middle is cut out; nothing yet for volumes."""
    return [{"resize": {"shorter": max(size)}}, {"centre_crop": {}}] if len(size) == 2 else []


def _family(name: str, code: str | Path | None, from_card: bool) -> tuple[Family, str]:
    if name in resnet.NAMES:
        return resnet.build, name
    if name in densenet.NAMES:
        return densenet.build, name
    if name in lightly_resnet.NAMES:
        return lightly_resnet.build, name
    if name in resenc.NAMES:
        return resenc.build, name
    if name.startswith("timm:"):
        return timm_family.build, name.removeprefix("timm:")
    if name.startswith("torchvision:"):
        return torchvision_family.build, name.removeprefix("torchvision:")
    if name.startswith("monai:"):
        return monai_family.builder(name), name
    if ".py:" in name:
        return own.build, own.locate(name, code, from_card)
    near = get_close_matches(name, [*known_names(), *zoo_names()], n=3)
    raise UserError(
        f"There is no network {name!r}." + (f" Did you mean {', '.join(near)}?" if near else "")
        + f" Known: {', '.join(known_names())}, timm:NAME, torchvision:NAME, my_file.py:build. "
        "No run, folder, file of weights or model of the zoo has that name either."
    )  # fmt: skip


def check_options(name: str, options: Mapping[str, Any]) -> None:
    """Whether ``name`` is a network and takes ``options``, before anything is built. Raises UserError with the nearest."""
    family, _ = _family(name, options.get("code"), False)
    common = ("weights", "mean", "std", "min_match", "code", "size")
    _check_options(name, family, {key: value for key, value in options.items() if key not in common})


def check_size(encoder: Encoder, size: tuple[int, ...]) -> None:
    """Whether ``encoder`` takes views of ``size`` pixels, which need not be its card's. Raises UserError where not."""
    if size != encoder.card.size:
        _first_look(encoder, encoder.card.architecture, encoder.card.channels, size)


def _check_options(name: str, family: Family, options: dict[str, Any]) -> None:
    parameters = inspect.signature(family).parameters
    if any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        return
    known = [k for k in parameters if k not in ("name", "channels", "size")]
    for key in options:
        if key not in known:
            near = get_close_matches(key, known, n=1)
            raise UserError(
                f"{name} has no option {key!r}."
                + (f" Did you mean {near[0]!r}?" if near else "")
                + f" Known: {', '.join(known)}."
            )


def _first_look(encoder: Encoder, name: str, channels: int, size: tuple[int, ...]) -> Encoding:
    try:
        encoding: Encoding = dummy_forward(encoder, channels, size)
    except (RuntimeError, ValueError, AssertionError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise UserError(
            f"{name} cannot take {channels} channels of {'×'.join(map(str, size))} pixels: {reason[:300]}. "
            "Choose another size, or a network made for it."
        ) from error
    return encoding


def _standardise(encoder: Encoder, mean: tuple[float, ...], std: tuple[float, ...]) -> None:
    """Write ``mean`` and ``std`` into the card, their averages where the encoder has another number of channels."""
    if len(mean) != len(std) or any(value <= 0 for value in std):
        raise UserError(f"mean {mean} and std {std} must be as many numbers, one for each channel, and std above zero.")
    channels = encoder.card.channels
    if len(mean) not in (0, channels):
        mean, std = ((sum(values) / len(values),) * channels for values in (mean, std))
    encoder.card = encoder.card.model_copy(update={"mean": mean, "std": std})


def _known_statistics(architecture: str) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and deviation of the weights that ``timm:NAME.TAG`` names: their file, given by its path, is no other input."""
    family, _, name = architecture.partition(":")
    return timm_family.statistics(name) if family == "timm" and "." in name else ((), ())


def _statistics_note(card: Card, mean: Sequence[float], layout: str) -> list[str]:
    if not mean and len(card.size) == 3:  # volumes are prepared by a plan, and the layouts of others hold none
        plan = "the file does not tell how its volumes were prepared (orientation, spacing, intensities): data.plan says it"
        return [plan] if layout else []
    if not mean:  # InnerEye standardised nothing, the Worker's network does it itself; others did, by numbers that their checkpoints do not hold
        unsaid = layout and "InnerEye" not in layout and "Lightly Worker" not in layout
        return ["input not standardised: the file does not tell mean and deviation"] if unsaid else []
    numbers = ", ".join(f"{value:.3g}" for value in card.mean), ", ".join(f"{value:.3g}" for value in card.std)
    averaged = f", averages over {len(mean)} channels" if len(mean) != card.channels else ""
    return [f"input standardised by mean {numbers[0]} and deviation {numbers[1]}{averaged}"]


def _recognised(encoder: Encoder, weights: Weights) -> str:
    """What kind of checkpoint the weights are and what network they tell of; empty for our own."""
    told = weights.architecture
    return weights.layout + (f": {told.words}" if told is not None and weights.layout else "")


def _start_from(encoder: Encoder, weights: Weights, min_match: float, standardised: bool) -> None:
    """Fill ``encoder`` and note it in its card; ``standardised``: mean and deviation are the caller's own."""
    weights = weights.fitting(encoder.network.state_dict())
    source, mean, std, size = weights.source, weights.mean, weights.std, weights.size
    layout = _recognised(encoder, weights)
    loaded = fill(encoder.network, weights.tensors, f"{source} ({layout})" if layout else source, min_match, size)
    if not mean and not size:
        mean, std = _known_statistics(encoder.card.architecture)
    _standardise(encoder, mean, std)
    adapted = [*loaded.adapted, *([] if standardised else _statistics_note(encoder.card, mean, layout))]
    unexpected = (*loaded.unexpected, *weights.rest)
    loaded = replace(loaded, source=source, layout=layout, adapted=tuple(adapted), unexpected=unexpected)
    encoder.loaded = loaded
    if isinstance(encoder, lightly_resnet.LightlyEncoder):
        encoder.head = weights.head
    _log.info("%s", loaded.sentence())
    notes = [*encoder.card.notes, loaded.sentence()]
    encoder.card = encoder.card.model_copy(update={"trained_on": f"started from {source}", "notes": notes})
