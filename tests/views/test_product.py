from __future__ import annotations

import torch

from vesalius.views.product import separable


def test_equals_a_product_for_each_channel():
    x, down, across = torch.rand(3, 4, 7, 9), torch.rand(3, 5, 7), torch.rand(3, 6, 9)
    want = torch.einsum("nhH,ncHW,nwW->nchw", down, x, across)
    assert torch.allclose(separable(x.transpose(1, 2), down, across), want, atol=1e-5)
    assert torch.allclose(separable(x.transpose(1, 2).contiguous(), down, across), want, atol=1e-5)
