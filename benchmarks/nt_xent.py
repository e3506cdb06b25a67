"""NT-Xent, forward and backward: ours against lightly 1.6's ``NTXentLoss``, on the same vectors.

1,024 samples of two views, 128 numbers each, single precision, two threads. The sides alternate; the medians count, and
the values and gradients of the two are compared first. Prints one JSON line.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable

import torch
from lightly.loss import NTXentLoss
from torch import Tensor

from vesalius.methods.simclr import nt_xent

TEMPERATURE = 0.2


def once(loss: Callable[[Tensor, Tensor], Tensor], views: tuple[Tensor, Tensor]) -> tuple[float, Tensor, Tensor]:
    """Seconds of one forward and backward, the value, the first view's gradient."""
    start = time.perf_counter()
    value = loss(*views)
    gradient = torch.autograd.grad(value, views)
    return time.perf_counter() - start, value.detach(), gradient[0]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--samples", type=int, default=1024)
    parser.add_argument("--dim", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    g = torch.Generator().manual_seed(0)
    first, second = (torch.randn(given.samples, given.dim, generator=g).requires_grad_() for _ in range(2))
    sides: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
        "ours": lambda a, b: nt_xent(a, b, TEMPERATURE).mean(),
        "peer": NTXentLoss(TEMPERATURE),
    }
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for round_ in range(given.rounds + 3):
        found = {name: once(loss, (first, second)) for name, loss in sides.items()}
        if round_ == 0:
            torch.testing.assert_close(found["ours"][1], found["peer"][1], rtol=1e-5, atol=1e-5)
            torch.testing.assert_close(found["ours"][2], found["peer"][2], rtol=1e-4, atol=1e-7)
        if round_ >= 3:  # the first rounds warm up
            for name, (taken, _, _) in found.items():
                seconds[name].append(taken)
    ours, peer = (1000 * statistics.median(seconds[name]) for name in ("ours", "peer"))
    setting = f"N = {given.samples}, {given.dim} numbers, forward and backward, fp32, {given.threads} threads; peer: lightly NTXentLoss"
    line = {"name": "NT-Xent", "ours": round(ours, 2), "peer": round(peer, 2), "ratio": round(peer / ours, 2), "unit": "ms", "setting": setting}
    print(json.dumps(line))


if __name__ == "__main__":
    main()
