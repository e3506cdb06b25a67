"""The losses of MoCo and VICReg, forward and backward: ours against lightly 1.6's, on the same vectors.

InfoNCE of 256 queries of 128 numbers against the paper's queue of 65,536, its update included; VICReg on 256 samples of the
paper's 8,192 numbers. Single precision, two threads. The sides alternate; the medians count, and the values and gradients
of the two are compared first. Prints one JSON line for each.
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Callable

import torch
from benchmarks.nt_xent import once
from lightly.loss import NTXentLoss, VICRegLoss
from torch import Tensor
from torch.nn import functional as F

from vesalius.methods.moco import enqueue, info_nce
from vesalius.methods.vicreg import vicreg

Loss = Callable[[Tensor, Tensor], Tensor]
TEMPERATURE = 0.2


def moco(rows: int, dim: int) -> tuple[Loss, Loss]:
    """Ours and lightly's, from one queue of ``rows``."""
    start = F.normalize(torch.randn(rows, dim, generator=torch.Generator().manual_seed(1)), dim=1)
    queue, pointer = start.clone(), torch.zeros((), dtype=torch.int64)
    peer = NTXentLoss(TEMPERATURE, memory_bank_size=(rows, dim))
    peer.memory_bank.bank = start.clone()

    before: list[Tensor] = []

    def ours(query: Tensor, key: Tensor) -> Tensor:
        for keys in before:  # as in the loop, where the queue moves after the backward
            enqueue(queue, pointer, F.normalize(keys, dim=1), None)
        before[:] = [key.detach()]
        return info_nce(query, key, queue, TEMPERATURE).mean()

    return ours, peer


def regularised(first: Tensor, second: Tensor) -> Tensor:
    """The three terms with the paper's weights."""
    invariance, variance, covariance = vicreg(first, second)
    return 25 * invariance.mean() + 25 * variance + covariance


def compare(name: str, sides: tuple[Loss, Loss], dim: int, rounds: int, given: argparse.Namespace, setting: str) -> None:
    """Time both and print the line."""
    g = torch.Generator().manual_seed(0)
    rows = tuple(torch.randn(given.samples, dim, generator=g).requires_grad_() for _ in range(2))
    seconds: tuple[list[float], list[float]] = ([], [])
    for round_ in range(rounds + 2):
        found = [once(side, (rows[0], rows[1])) for side in sides]
        if round_ == 0:
            torch.testing.assert_close(found[0][1], found[1][1], rtol=1e-5, atol=1e-5)
            torch.testing.assert_close(found[0][2], found[1][2], rtol=1e-4, atol=1e-6)
        if round_ >= 2:  # the first rounds warm up
            for kept, (taken, _, _) in zip(seconds, found):
                kept.append(taken)
    ours, peer = (1000 * statistics.median(kept) for kept in seconds)
    setting = f"{given.samples} samples, {setting}, forward and backward, fp32, {given.threads} threads"
    line = {"name": name, "ours": round(ours, 1), "peer": round(peer, 1), "ratio": round(peer / ours, 2), "unit": "ms", "setting": setting}
    print(json.dumps(line), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--samples", type=int, default=256)
    parser.add_argument("--queue", type=int, default=65536)
    parser.add_argument("--dim", type=int, default=8192)
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    text = f"128 numbers against a queue of {given.queue}; peer: lightly NTXentLoss with memory bank"
    compare("InfoNCE with a queue", moco(given.queue, 128), 128, 3 * given.rounds, given, text)
    text = f"{given.dim} numbers; peer: lightly VICRegLoss"
    compare("VICReg's loss", (regularised, VICRegLoss()), given.dim, given.rounds, given, text)


if __name__ == "__main__":
    main()
