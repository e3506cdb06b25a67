"""Models of the zoo by name: the folder where a prepared one lies, and networks that were never trained."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from vesalius.encoders.published import IMAGENET, models, published
from vesalius.encoders.saving import CARD, WEIGHTS
from vesalius.errors import UserError
from vesalius.files import cache_folder

if TYPE_CHECKING:
    from vesalius.encoders.encoder import Encoder

RANDOM = "random_"
_SHORT = {"r50": "resnet50", "r18": "resnet18", "d121": "densenet121"}
_GEOMETRY = ("resize", "centre_crop")


def prepared_folder(name: str) -> Path:
    """Where the model ``name`` of the zoo lies when it is prepared."""
    return cache_folder() / "models" / name


def is_prepared(folder: Path) -> bool:
    """Whether weights and card are there."""
    return (folder / WEIGHTS).is_file() and (folder / CARD).is_file()


def names() -> list[str]:
    """Every name that the zoo answers to, and those that a plugin prepared: for hints."""
    there = (path.name for path in prepared_folder("").glob("[!.]*") if is_prepared(path))
    aliases = (alias for _, model in models().values() for alias in model.aliases)
    return [*dict.fromkeys([*models(), *there]), *aliases, *(f"{RANDOM}{short}" for short in _SHORT)]


def is_model(reference: str) -> bool:
    """Whether ``reference`` names a model of the zoo, prepared or not, of a plugin when it was prepared, or a random one."""
    if not _plain(reference):
        return False
    return _untrained(reference) is not None or published(reference) is not None or is_prepared(prepared_folder(reference))


def folder_of(reference: str) -> Path | None:
    """The folder of the prepared model ``reference``; None where that is no name of the zoo. Raises UserError for one that is not
    prepared, or that has no weights because it is random.
    """
    if not _plain(reference):
        return None
    found = published(reference)
    folder = prepared_folder(found[1].name if found is not None else reference)
    if is_prepared(folder):
        return folder
    if found is not None:
        model = found[1]
        raise UserError(
            f"{model.name} is a model of the zoo that is not prepared here yet. Run `vesalius models prepare {model.name}`: it fetches {model.file} "
            f"(licence: {model.licence}), or takes the file that you have, with --file."
        )
    if _untrained(reference) is not None:
        raise UserError(f"{reference} is a network with random weights, which are nothing to start from. Leave the weights out.")
    return None


def untrained(reference: str, **options: Any) -> Encoder | None:
    """The network behind ``random_r50``, ``random_r18``, ``random_d121``, ``random_NAME``; None for any other reference.

    Built and fed as the model of the zoo that NAME is, otherwise with ImageNet's stem, mean, deviation and 224 pixels where NAME is
    a network for images. ``options`` go before; ``seed`` draws the weights.
    """
    from vesalius.encoders.build import build_encoder

    network = _untrained(reference) if _plain(reference) else None
    if network is None:
        return None
    found = published(reference.removeprefix(RANDOM))
    if found is not None:
        model = found[1]
        built = {"channels": model.channels, "size": model.size, "mean": model.mean, "std": model.std, **model.options}
        later = [step for step in model.preprocessing if next(iter(step)) not in _GEOMETRY]
    else:
        images = network.startswith(("resnet", "densenet", "timm:", "torchvision:"))
        built = {"size": (224, 224), "mean": IMAGENET[0], "std": IMAGENET[1]} if images else {}
        built |= {"stem": "standard"} if network.startswith(("resnet", "densenet")) else {}
        later = []
    encoder = build_encoder(network, **{**built, **options})
    encoder.card = encoder.card.model_copy(update={"preprocessing": [*encoder.card.preprocessing, *later]})
    return encoder.eval()


def _untrained(reference: str) -> str | None:
    """The network's name behind ``random_...``."""
    from vesalius.encoders.build import is_name

    if not reference.startswith(RANDOM):
        return None
    wanted = reference.removeprefix(RANDOM)
    found = published(wanted)
    network = found[1].architecture if found is not None else _SHORT.get(wanted, wanted)
    return network if is_name(network) and ".py:" not in network else None


def _plain(reference: str) -> bool:
    """Whether ``reference`` can be a name, there being no file or folder of it."""
    return "\\" not in reference and (reference.startswith(RANDOM) or "/" not in reference) and not Path(reference).expanduser().exists()
