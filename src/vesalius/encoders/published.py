"""Checkpoints that others published: what each is, and by which name it is asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast, runtime_checkable

from vesalius import registry
from vesalius.errors import UserError

if TYPE_CHECKING:
    from torch import Tensor

IMAGENET: tuple[tuple[float, ...], tuple[float, ...]] = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
"""Mean and deviation of ImageNet's channels, as almost everybody uses them."""
SYNTHETIC = "synthetic file"
"""What a model of the zoo was verified against until somebody prepared the published file."""


def resized(shorter: int, *more: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    """Preprocessing: the shorter side to so many pixels, the middle of the network's size, then ``more`` operations."""
    return ({"resize": {"shorter": shorter}}, {"centre_crop": {}}, *more)


@dataclass(frozen=True)
class Published:
    """One public checkpoint, everything a card says of it and where its file is.

    ``sha256``, or ``md5``: of the file, whole or its beginning; empty where the publisher gives none: then that of the first
    download is kept, and later ones are held to it. ``bytes``: about, 0 for unknown. ``imagenet_top1``: per cent, of a linear
    probe, as the original's comparison uses it. ``preprocessing``: operations of views, on floats in [0, 1]; ``mean`` and ``std``
    come after them, in the encoder. ``by_hand``: how to come by the file where no program can fetch it.
    """

    name: str
    architecture: str
    url: str
    file: str
    licence: str
    trained_on: str
    options: Mapping[str, Any] = field(default_factory=lambda: {"stem": "standard"})
    sha256: str = ""
    md5: str = ""
    bytes: int = 0
    imagenet_top1: float | None = None
    size: tuple[int, ...] = (224, 224)
    preprocessing: Sequence[Mapping[str, Any]] = resized(224)
    mean: tuple[float, ...] = IMAGENET[0]
    std: tuple[float, ...] = IMAGENET[1]
    channels: int = 3
    notes: Sequence[str] = ()
    verified: str = SYNTHETIC
    aliases: tuple[str, ...] = ()
    by_hand: str = ""
    also: tuple[str, ...] = ()
    """Patterns of other files in a folder that hold the model, as the index of TensorFlow's checkpoints."""


@runtime_checkable
class Family(Protocol):
    """A file of ``vesalius.encoders.zoo``, of a package (entry point ``vesalius.zoo``) or of a user (a plugin)."""

    MODELS: Mapping[str, Published]

    def tensors(self, path: Path, model: Published) -> Mapping[str, Tensor]:
        """The network's own tensors (torchvision's names, without heads) in the published file ``path``.

        What is missing, renamed, of another shape or one too many is found afterwards, for all families in one way (``strict``);
        counters of batches (``num_batches_tracked``) may be missing. Raises UserError for another kind of file.
        """


def models() -> Mapping[str, tuple[Family, Published]]:
    """Every model of the zoo by name, with its family. Raises UserError for a name that two families have."""
    found: dict[str, tuple[Family, Published]] = {}
    for name in registry.names("zoo"):
        family = cast("Family", registry.entry("zoo", name))
        for model in family.MODELS.values():
            if model.name in found:
                raise UserError(f"Two families of the zoo have a model {model.name!r}; one is {name}. Rename it there.")
            found[model.name] = (family, model)
    return found


def published(name: str) -> tuple[Family, Published] | None:
    """The model that ``name`` or one of its other names means; None where there is none."""
    known = models()
    return known.get(name) or next((found for found in known.values() if name in found[1].aliases), None)


def required(name: str) -> tuple[Family, Published]:
    """As ``published``. Raises UserError with the nearest names."""
    found = published(name)
    if found is None:
        near = get_close_matches(name, [*models(), *(alias for _, model in models().values() for alias in model.aliases)], n=3)
        raise UserError(f"There is no model {name!r} in the zoo." + (f" Did you mean {', '.join(near)}?" if near else "") + f" Known: {', '.join(models())}.")
    return found
