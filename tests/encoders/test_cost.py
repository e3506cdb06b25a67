from __future__ import annotations

import torch
from torch import nn

from vesalius.encoders import build_encoder, weights_hash
from vesalius.encoders.cost import count, training_memory


def test_operations_of_a_convolution_by_hand() -> None:
    network = nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1, bias=False), nn.Flatten(), nn.Linear(8 * 16 * 16, 5, bias=False)
    )
    parameters, flops = count(network, (2, 3, 16, 16))
    assert parameters == 8 * 3 * 9 + 8 * 256 * 5
    assert flops == 2 * 2 * (16 * 16 * 8 * 3 * 9 + 8 * 256 * 5)


def test_operations_grow_with_the_batch_and_nothing_is_touched() -> None:
    encoder = build_encoder("resnet18", width=0.125)
    before, state = weights_hash(encoder), torch.random.get_rng_state()
    one, eight = count(encoder, (1, 3, 32, 32)), count(encoder, (8, 3, 32, 32))
    assert eight == (one[0], 8 * one[1])
    training_memory(encoder, (8, 3, 32, 32))
    assert weights_hash(encoder) == before
    assert torch.equal(torch.random.get_rng_state(), state)
    assert encoder.training


def test_memory_by_hand() -> None:
    # Kept for backward: the input of each linear layer, and the output of the ReLU (which is the second's input).
    network = nn.Sequential(nn.Linear(10, 20, bias=False), nn.ReLU(), nn.Linear(20, 5, bias=False))
    weights = 10 * 20 + 20 * 5
    kept = 64 * (10 + 20)
    assert training_memory(network, (64, 10)) == 4 * (4 * weights + kept)
    assert training_memory(network, (64, 10), moments=1, bytes_per_value=2) == 4 * 3 * weights + 2 * kept


def test_the_estimate_is_near_what_is_allocated() -> None:
    from torch.autograd.graph import saved_tensors_hooks

    encoder = build_encoder("resnet18", width=0.25)
    held: dict[int, int] = {}

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        held[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    own = sum(p.numel() * 4 for p in encoder.parameters())
    with saved_tensors_hooks(pack, lambda tensor: tensor):
        out = encoder(torch.rand(32, 3, 32, 32))
    real = sum(held.values()) - own
    estimate = training_memory(encoder, (32, 3, 32, 32)) - 4 * own
    assert out.pooled.requires_grad
    assert 0.8 < estimate / real < 1.25
