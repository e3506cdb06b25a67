"""The heads of self-supervised methods: a multi-layer perceptron that can stand beside an encoder on disk."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

from torch import nn

from vesalius.encoders.saving import tensor_bytes
from vesalius.files import atomic_write


class MLP(nn.Sequential):
    """``layers`` linear layers, all but the last followed by batch-norm and ReLU; (B, dim_in) -> (B, dim_out).

    SimCLR's projector: ``MLP(d, 2048, 128, last_bias=False)``; BYOL's projector and predictor: ``MLP(d, 4096, 256,
    first_bias=False)``; DINO's: ``MLP(d, 2048, 256, layers=3, norm=False, gelu=True)``, with GELU in place of ReLU.
    ``first_bias`` is that of every layer before the last; ``last_norm`` ends with a batch-norm (without scale and shift
    under ``last_affine=False``, as in SimSiam).
    """

    def __init__(
        self,
        dim_in: int,
        hidden: int,
        dim_out: int,
        *,
        layers: int = 2,
        norm: bool = True,
        first_bias: bool = True,
        last_bias: bool = True,
        last_norm: bool = False,
        last_affine: bool = True,
        gelu: bool = False,
    ) -> None:
        modules: list[nn.Module] = []
        widths = [dim_in, *[hidden] * (layers - 1), dim_out]
        for left, right in pairwise(widths[:-1]):
            modules.append(nn.Linear(left, right, bias=first_bias))
            modules += [nn.BatchNorm1d(right)] if norm else []
            modules.append(nn.GELU() if gelu else nn.ReLU(inplace=True))
        modules.append(nn.Linear(widths[-2], dim_out, bias=last_bias))
        modules += [nn.BatchNorm1d(dim_out, affine=last_affine)] if last_norm else []
        super().__init__(*modules)
        self.config: dict[str, Any] = {
            "dim_in": dim_in, "hidden": hidden, "dim_out": dim_out, "layers": layers, "norm": norm,
            "first_bias": first_bias, "last_bias": last_bias, "last_norm": last_norm, "last_affine": last_affine,
            "gelu": gelu,
        }  # fmt: skip


def save_projector(projector: MLP, folder: Path) -> None:
    """Write ``projector.safetensors`` and ``projector.json`` into ``folder``."""
    atomic_write(folder / "projector.safetensors", tensor_bytes(projector.state_dict()))
    atomic_write(folder / "projector.json", json.dumps(projector.config, indent=2) + "\n")


def load_projector(folder: Path) -> MLP | None:
    """The projector of a run folder in eval mode, or None where there is none."""
    if not (folder / "projector.safetensors").is_file() or not (folder / "projector.json").is_file():
        return None
    from safetensors.torch import load_file

    projector = MLP(**json.loads((folder / "projector.json").read_text(encoding="utf-8")))
    projector.load_state_dict(load_file(folder / "projector.safetensors"))
    return projector.eval()
