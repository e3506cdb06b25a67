"""Files as torchvision's of the three networks, of random weights, and what their digests begin with."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
import torchvision

from vesalius.evaluate.perceptual import backbones
from vesalius.files import checksum

TRUE = backbones.BACKBONES
"""The files that are trained on ImageNet: what the project itself goes by."""
MAKES = {"alexnet": torchvision.models.alexnet, "vgg": torchvision.models.vgg16, "squeezenet": torchvision.models.squeezenet1_1}


class _NoLinear(torch.nn.Module):
    def __init__(self, *_: object) -> None:
        super().__init__()
        self.weight, self.bias = torch.zeros(1), torch.zeros(1)  # no parameters


@contextmanager
def without_heads() -> Iterator[None]:
    """Networks that are built within have nothing behind ``features``, which holds most of the weights and which no distance looks at."""
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        patch.setattr(torch.nn, "Linear", _NoLinear)
        warnings.simplefilter("ignore")
        yield


def written(folder: Path, patch: pytest.MonkeyPatch) -> dict[str, Path]:
    """The files in ``folder``, by network, under torchvision's names; from now on they count as those trained on ImageNet."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {}
    for number, (name, backbone) in enumerate(backbones.BACKBONES.items()):
        files[name] = folder / backbone.file
        torch.manual_seed(number)
        with without_heads():
            torch.save(MAKES[name]().state_dict(), files[name])
    known = {name: dataclasses.replace(one, sha256=checksum(files[name])[:8]) for name, one in backbones.BACKBONES.items()}
    patch.setattr(backbones, "BACKBONES", known)
    return files
