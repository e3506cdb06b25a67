"""Fill a network with exactly its tensors, or say which are not."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from vesalius.encoders.loaded import Loaded, some
from vesalius.errors import UserError

COUNTER = "num_batches_tracked"
"""Of a batch-norm: no forward of evaluation uses it, and files older than torch 0.4.1 have none."""


def fill_exactly(network: nn.Module, tensors: Mapping[str, Tensor], source: str) -> Loaded:
    """Copy ``tensors`` into ``network`` in place. Raises UserError by name for any that is missing, one too many, of another
    shape, not of numbers with a fraction, or not finite; a counter that is missing is zero.
    """
    own = network.state_dict()
    missing = [name for name in own if name not in tensors and not name.endswith(COUNTER)]
    unexpected = [name for name in tensors if name not in own]
    shared = [name for name in own if name in tensors]
    shapes = [f"{name} {tuple(tensors[name].shape)} for {tuple(own[name].shape)}" for name in shared if tensors[name].shape != own[name].shape]
    kinds = [f"{name} ({tensors[name].dtype})" for name in shared if tensors[name].is_floating_point() != own[name].is_floating_point()]
    broken = [name for name in shared if not bool(torch.isfinite(tensors[name]).all())]
    said = [
        f"{words}: {some(names)}"
        for words, names in (
            ("missing", missing),
            ("not of this network", unexpected),
            ("of another shape", shapes),
            ("of another type", kinds),
            ("with NaN or infinity", broken),
        )
        if names
    ]
    if said:
        raise UserError(
            f"{source} does not fit its network, of which all {len(own)} tensors must be there and no other: {'; '.join(said)}. "
            "Nothing was written. Get the published file again; a file that is another model's or was converted is none."
        )
    with torch.no_grad():
        for name, tensor in own.items():
            tensor.copy_(tensors[name]) if name in tensors else tensor.zero_()
    return Loaded(source, tuple(shared), (), ())
