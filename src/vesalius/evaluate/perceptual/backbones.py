"""The three networks trained on ImageNet that LPIPS stands on: where their files are, and that they are the right ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from vesalius.errors import UserError
from vesalius.files import cache_folder, checksum, download
from vesalius.terminal import Terminal


@dataclass(frozen=True)
class Backbone:
    """``net``: what LPIPS calls it; ``file``: what torchvision calls its weights; ``sha256``: how the file's digest begins; ``address``:
    where torchvision has it; ``megabytes``: about.
    """

    net: str
    file: str
    sha256: str
    address: str
    megabytes: int


BACKBONES: Mapping[str, Backbone] = {
    name: Backbone(net, file, sha256, f"https://download.pytorch.org/models/{file}", megabytes)
    for name, net, file, sha256, megabytes in (
        ("alexnet", "alex", "alexnet-owt-7be5be79.pth", "7be5be79", 244),
        ("vgg", "vgg", "vgg16-397923af.pth", "397923af", 553),
        ("squeezenet", "squeeze", "squeezenet1_1-b8a52dc0.pth", "b8a52dc0", 5),
    )
}


def found(given: Sequence[str], fetch: bool, terminal: Terminal) -> dict[str, Path]:
    """The file of each of ``BACKBONES``, its digest checked.

    ``given``: folders with files of these names, and files of any name; behind them torch's own cache and ours are looked through. ``fetch``:
    what is nowhere is downloaded into ours, and nothing ever is without it. Raises UserError where one is missing or another file than it should be.
    """
    named = [(one, digest) for one in map(Path, given) if not one.is_dir() for digest in [_digest(one)]]
    for file, digest in named:
        if not any(digest.startswith(one.sha256) for one in BACKBONES.values()):
            raise UserError(f"{file.name} is none of the three networks: its SHA-256 begins with {digest[:8]}. They are {_listed(BACKBONES.values())}.")
    folders = [*(Path(one) for one in given if Path(one).is_dir()), torch_cache()]
    files: dict[str, Path] = {}
    missing = []
    for name, backbone in BACKBONES.items():
        own = [file for file, digest in named if digest.startswith(backbone.sha256)]
        there = next((file for file in [*own, *(place / backbone.file for place in [*folders, _kept(backbone).parent])] if file.is_file()), None)
        if there is None and fetch:
            with terminal.bar(backbone.file, "bytes") as progress:
                there = download(backbone.address, _kept(backbone), sha256=backbone.sha256, progress=progress)
        elif there is not None and there not in own and not (digest := checksum(there)).startswith(backbone.sha256):
            raise UserError(
                f"{there} is not the file that its name says: its SHA-256 begins with {digest[:8]}, not {backbone.sha256}. No distance is computed "
                f"with other weights. Delete it and get it again, from {backbone.address}."
            )
        if there is None:
            missing.append(backbone)
        else:
            files[name] = there
    if missing:
        raise UserError(
            f"The perceptual distance stands on three networks trained on ImageNet, and not there: {_listed(missing)}. Put them into {torch_cache()}, "
            f"say with --backbones in which folder they are, or let --download fetch them ({sum(one.megabytes for one in missing)} MB) from "
            f"{', '.join(one.address for one in missing)}. No distance is computed with other weights."
        )
    return files


def torch_cache() -> Path:
    """Where torchvision keeps weights that it downloaded."""
    import torch

    return Path(torch.hub.get_dir()) / "checkpoints"


def _kept(backbone: Backbone) -> Path:
    return cache_folder() / "weights" / backbone.sha256 / backbone.file


def _digest(file: Path) -> str:
    if not file.is_file():
        raise UserError(f"There is no file or folder {file}. Give with --backbones the folder that holds {_listed(BACKBONES.values())}.")
    return checksum(file)


def _listed(backbones: Iterable[Backbone]) -> str:
    return ", ".join(f"{one.file} (SHA-256 {one.sha256}...)" for one in backbones)
