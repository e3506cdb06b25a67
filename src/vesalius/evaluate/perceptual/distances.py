"""LPIPS (Zhang et al., "The unreasonable effectiveness of deep features as a perceptual metric", CVPR 2018), version 0.1, of three networks.

The networks and the weights on top of them are those of the authors' package. What they stand on is read from checked files: the
package itself would download it, or leave it random.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float
from torch import Tensor

from vesalius.encoders.layouts import read_contents
from vesalius.errors import UserError
from vesalius.evaluate.perceptual.backbones import BACKBONES

if TYPE_CHECKING:
    from lpips import LPIPS

_ON_TOP = "lin"
_BELOW = "net.slice"


def loaded(paths: Mapping[str, Path], device: torch.device) -> dict[str, LPIPS]:
    """The three metrics in evaluation mode on ``device``, without gradients; ``paths`` as ``backbones.found`` gives them."""
    return {name: network(BACKBONES[name].net, paths[name]).to(device) for name in paths}


def network(net: str, path: Path) -> LPIPS:
    """The metric ``net`` (``alex``, ``vgg``, ``squeeze``) on the tensors ``features.*`` of ``path``, a file of torchvision's.

    Raises UserError for a file without them. Nothing is drawn and nothing is fetched: parameters have no memory before they are read.
    """
    import lpips

    with torch.device("meta"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the package asks torchvision in words that it gave up
        model = lpips.LPIPS(net=net, pretrained=False, pnet_rand=True, verbose=False)
    with as_file(files(lpips) / "weights" / "v0.1" / f"{net}.pth") as top:
        on_top = read_contents(top).tensors
    below = read_contents(path).tensors
    tensors = {}
    for name, there in model.state_dict().items():
        if name.startswith(_BELOW):
            tensors[name] = _of(below, f"features.{name.removeprefix(_BELOW).partition('.')[2]}", there, path)
        elif name.startswith(_ON_TOP):
            tensors[name] = on_top[name.replace("lins.", _ON_TOP)]
        else:
            tensors[name] = there
    model.load_state_dict(tensors, assign=True)
    return model.eval().requires_grad_(False)


@torch.no_grad()
def apart(
    models: Mapping[str, LPIPS], originals: Float[Tensor, "images 3 height width"], made: Float[Tensor, "images 3 height width"], batch_size: int
) -> dict[str, Float[Tensor, " images"]]:
    """The distance of each pair of images in [0, 1] by each of ``models``, on the CPU; 0 is equal, and more is farther.

    ``batch_size``: pairs in a forward pass. In single precision whatever the evaluation's is: distances are small differences.
    """
    found = {}
    for name, model in models.items():
        device = next(model.parameters()).device
        parts = [
            model(one.to(device, torch.float32), other.to(device, torch.float32), normalize=True).flatten()
            for one, other in zip(torch.split(originals, batch_size), torch.split(made, batch_size), strict=True)
        ]
        found[name] = torch.cat(parts).cpu()
    return found


def _of(tensors: Mapping[str, Tensor], name: str, there: Tensor, path: Path) -> Tensor:
    one = tensors.get(name)
    if one is None or one.shape != there.shape:
        shape = "is not in it" if one is None else f"has the shape {tuple(one.shape)}, not {tuple(there.shape)}"
        raise UserError(f"{path.name} is not the network that it should be: {name} {shape}. Get torchvision's file again.")
    return one.float()
