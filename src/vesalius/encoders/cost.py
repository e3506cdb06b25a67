"""What an encoder costs: parameters, floating-point operations, memory of a training step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from vesalius.encoders.probing import untouched


def count(encoder: nn.Module, shape: Sequence[int]) -> tuple[int, int]:
    """Parameters, and operations of one forward of an input of ``shape`` (B, C, *size); a multiply-add counts as two.

    Counted by torch's FlopCounterMode: convolutions, products of matrices and attention. Nothing is trained or changed.
    """
    from torch.utils.flop_counter import FlopCounterMode

    parameters = sum(p.numel() for p in encoder.parameters())
    device = next((p.device for p in encoder.parameters()), torch.device("cpu"))
    with untouched(encoder), FlopCounterMode(display=False) as counter:
        encoder(torch.zeros(*shape, device=device))
    return parameters, int(counter.get_total_flops())


def training_memory(encoder: nn.Module, shape: Sequence[int], *, moments: int = 2, bytes_per_value: int = 4) -> int:
    """Bytes of one training step on inputs of ``shape`` (B, C, *size), estimated from a single forward of two inputs.

    Weights, gradients and ``moments`` optimizer values in fp32 each, and what autograd keeps of the forward,
    ``bytes_per_value`` for each of its values (2 under bf16). Several views or forwards a step multiply the batch.
    """
    weights = sum(p.numel() for p in encoder.parameters())
    kept: dict[int, int] = {}
    own = {t.untyped_storage().data_ptr() for t in [*encoder.parameters(), *encoder.buffers()]}
    device = next((p.device for p in encoder.parameters()), torch.device("cpu"))

    def pack(tensor: Tensor) -> Any:
        place = tensor.untyped_storage().data_ptr()
        if place not in own:
            kept[place] = max(kept.get(place, 0), tensor.numel())
        return tensor

    probe = 2
    with untouched(encoder), torch.enable_grad(), torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        for module in encoder.modules():
            module.training = True
        # The graph is held until all is counted: memory given back would be counted once for two tensors.
        held = encoder(torch.zeros(probe, *shape[1:], device=device))
        del held
    activations = sum(kept.values()) * shape[0] // probe
    return weights * 4 * (2 + moments) + activations * bytes_per_value
