"""A step of the document's fine-tuning: UNETR on 96 voxels a side, four patches, 14 classes, Dice and cross-entropy, AdamW.

Lines: the greatest memory of a process that takes the step (fp32, or what ``--precision`` says), and the loss alone, forward and
backward, against MONAI's ``DiceCELoss(to_onehot_y=True, softmax=True)`` on the same logits: the sides alternate, medians of
processor time count. ``--small``: 32 voxels and a small network, to see that it runs.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import time
import warnings
from collections.abc import Callable

import torch
from torch import Tensor

from vesalius.data.task import TaskSpec
from vesalius.encoders import build_encoder
from vesalius.tasks.dice import dice_ce
from vesalius.tasks.segmenter import Segmenter
from vesalius.training.precision import autocast_type

warnings.filterwarnings("ignore")
CLASSES, PATCHES = 14, 4


def step(side: int, precision: str, **options: int) -> float:
    """Seconds of one step; what it needs of memory is the process's greatest."""
    task = TaskSpec("organs", "segmentation", (), tuple(map(str, range(CLASSES))))
    model = Segmenter.build(build_encoder("monai:vit", channels=1, size=(side,) * 3, **options), task).train()
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], 1e-4)
    x, labels = torch.rand(PATCHES, 1, side, side, side), torch.randint(0, CLASSES, (PATCHES, side, side, side), dtype=torch.uint8)
    kind = autocast_type(precision, torch.device("cpu"))
    began = time.perf_counter()
    with torch.autocast("cpu", dtype=kind or torch.bfloat16, enabled=kind is not None):
        logits = model(x)
    dice, entropy = dice_ce(logits, labels)
    (dice + entropy).mean().backward()
    optimizer.step()
    return time.perf_counter() - began


def losses(side: int, rounds: int) -> tuple[float, float]:
    """Processor seconds of ours and of MONAI's loss, forward and backward."""
    from monai.losses.dice import DiceCELoss

    logits = torch.randn(1, CLASSES, side, side, side, requires_grad=True)
    labels = torch.randint(0, CLASSES, (1, side, side, side))
    theirs = DiceCELoss(to_onehot_y=True, softmax=True)
    sides: list[Callable[[], Tensor]] = [lambda: sum(part.mean() for part in dice_ce(logits, labels)), lambda: theirs(logits, labels[:, None])]  # type: ignore[list-item,return-value]
    found: list[list[float]] = [[], []]
    for _ in range(rounds + 1):
        for times, side_of in zip(found, sides, strict=True):
            began = time.process_time()
            torch.autograd.grad(side_of(), logits)
            times.append(time.process_time() - began)
    ours, peer = (statistics.median(times[1:]) for times in found)
    return ours, peer


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--precision", default="fp32", choices=["fp32", "auto", "bf16"])
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    side = 32 if given.small else 96
    seconds = step(side, given.precision, **({"hidden_size": 48, "mlp_dim": 64, "num_heads": 4} if given.small else {}))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    setting = f"{PATCHES} patches of {side} voxels, {CLASSES} classes, {given.precision}, {given.threads} threads"
    said = {"name": "memory of a UNETR step, against 8 GiB", "ours": round(memory, 2), "peer": 8, "unit": "GiB", "seconds": round(seconds, 1)}
    print(json.dumps({**said, "ratio": round(8 / memory, 2), "setting": setting}), flush=True)
    ours, peer = losses(side, 3)
    told = {"name": "Dice and cross-entropy, against MONAI's DiceCELoss", "ours": round(ours, 3), "peer": round(peer, 3), "unit": "s"}
    print(json.dumps({**told, "ratio": round(peer / ours, 2), "setting": f"one patch of {side} voxels, {CLASSES} classes, forward and backward"}))


if __name__ == "__main__":
    main()
