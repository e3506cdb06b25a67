from __future__ import annotations

import numpy as np
import torch

from vesalius.views.bending import bend
from vesalius.views.frame import Bend

SIDE = 32


def bent(alpha: float, count: int = 2) -> Bend:
    eye, after = np.tile(np.eye(2), (count, 1, 1)), np.tile(np.eye(3), (count, 1, 1))
    strengths = np.array([0.0] * (count - 1) + [alpha])
    return Bend(strengths, np.full((count, 2, 2), 40), 4.0, eye, after, np.full((count, 2), float(SIDE)))


def places() -> tuple[torch.Tensor, torch.Tensor]:
    x = (torch.arange(SIDE) + 0.5).expand(2, SIDE, SIDE).contiguous()
    return x, x.mT.contiguous()


def test_only_what_is_bent_moves_and_twice_as_far_by_twice_as_much() -> None:
    moved = []
    for alpha in (2.0, 4.0):
        (x, y), (old_x, _) = places(), places()
        bend(bent(alpha), x, y, np.arange(2))
        assert torch.equal(x[0], old_x[0])
        moved.append(x[1] - old_x[1])
    assert bool(moved[0].any())
    torch.testing.assert_close(2 * moved[0], moved[1], atol=1e-4, rtol=0)


def test_what_lies_beyond_the_canvas_may_not_be_seen() -> None:
    x, y = places()
    assert bend(bent(0.0), x, y, np.arange(2)) is None
    veil = bend(bent(200.0), x, y, np.arange(2))
    assert veil is not None
    assert bool((veil[0] == 1).all())
    assert 0 < float(veil[1].mean()) < 1
