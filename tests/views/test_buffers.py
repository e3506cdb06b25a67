from __future__ import annotations

import gc

import numpy as np
import torch

from tests.views.batches import CPU, ids, images, stored
from vesalius import views
from vesalius.views.buffers import LARGE, Buffers

N = LARGE // 4


def test_memory_is_used_again_when_nothing_refers_to_it():
    buffers = Buffers()
    first = buffers.empty((N,), torch.float32, CPU)
    place = first.data_ptr()
    view = first.view(2, -1)[1:]
    del first
    gc.collect()
    assert buffers.empty((N,), torch.float32, CPU).data_ptr() != place
    del view
    gc.collect()
    assert place in {buffers.empty((N,), torch.float32, CPU).data_ptr() for _ in range(1)} | {
        block.ctypes.data for block, lent in buffers._kept if lent() is None
    }


def test_memory_that_a_gradient_graph_holds_is_not_given_away():
    buffers = Buffers()
    weight = torch.ones(1, requires_grad=True)
    x = buffers.empty((N,), torch.float32, CPU).fill_(2.0)
    loss = (x * weight).sum()
    del x
    gc.collect()
    buffers.empty((N,), torch.float32, CPU).fill_(7.0)
    loss.backward()
    assert weight.grad is not None
    assert weight.grad.item() == 2 * N


def test_blocks_that_no_longer_fit_are_let_go():
    buffers = Buffers()
    for factor in (1, 3, 9, 27):
        buffers.empty((N * factor,), torch.float32, CPU)
        gc.collect()
    assert len(buffers._kept) == 1


def test_small_tensors_and_shapes():
    buffers = Buffers()
    assert buffers.empty((3, 4), torch.int32, CPU).shape == (3, 4)
    assert buffers.empty((2, N), torch.float32, CPU).shape == (2, N)
    assert len(buffers._kept) == 1


def test_views_of_two_batches_are_apart():
    pixels = stored(images(20, 3, 224, 224))
    made = views.load({"global": {"count": 1, "size": 224, "operations": ["horizontal_flip"]}}, 3)
    draws = made.draw(0, 0, np.arange(20), ids(20), pixels.extents[:, 0].numpy())
    first = made.apply(pixels, draws).views["global"]
    kept = first.clone()
    made.apply(stored(torch.zeros(20, 3, 224, 224)), draws)
    second = made.apply(stored(torch.zeros(20, 3, 224, 224)), draws).views["global"]
    assert torch.equal(first, kept)
    assert second.abs().max() == 0
