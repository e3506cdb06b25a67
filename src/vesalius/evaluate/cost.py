"""What a training cost: time by stage, rate, memory."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Any

import torch

from vesalius.encoders.cost import count
from vesalius.encoders.encoder import Encoder
from vesalius.training.log import Spent
from vesalius.training.world import World


def peak_memory_mb(device: torch.device) -> float:
    """The most memory that this process had at once, in MiB; on a GPU the most that tensors took there."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated() / 2**20
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if os.uname().sysname == "Darwin" else 2**10)


class Clock:
    """Seconds by stage of an evaluation that ``began``; of one that is gone on with, of its last part."""

    def __init__(self, began: float) -> None:
        self.began = self.last = began
        self.stages: dict[str, float] = {}

    def stop(self, stage: str) -> None:
        """What passed since the last stop was ``stage``."""
        now = time.perf_counter()
        self.stages[stage], self.last = now - self.last, now

    def cost(self, device: torch.device, precision: str) -> dict[str, Any]:
        """``cost`` of ``results.json``."""
        place = {"device": str(device), "threads": torch.get_num_threads(), "precision": precision}
        return {"seconds": self.last - self.began, "time_by_stage": self.stages, "peak_memory_mb": peak_memory_mb(device), **place}


def cost(
    encoder: Encoder, input_size: tuple[int, ...], steps: int, epochs: float, spent: Spent, stages: Mapping[str, float], here: World
) -> dict[str, Any]:
    """``cost`` of ``results.json``. ``input_size``: (channels, *size) of a view; ``stages``: seconds beside the loop's own."""
    parameters, flops = count(encoder, (1, *input_size))
    return {
        "images_per_second": spent.images / spent.stepping,
        "seconds": spent.total,
        "steps": steps,
        "epochs": epochs,
        "parameters": parameters,
        "flops_per_image": flops,
        "peak_memory_mb": peak_memory_mb(here.device),
        "wait_share": spent.waiting / spent.stepping,
        "views_share": spent.views / spent.stepping,
        "device": str(here.device),
        "threads": torch.get_num_threads(),
        "world": here.size,
        "precision": "bf16" if here.autocast else "fp32",
        "time_by_stage": {
            **{name: seconds for name, seconds in stages.items() if name == "decode"},
            "train": spent.stepping,
            "monitor": spent.monitoring,
            "save": spent.saving,
            **{name: seconds for name, seconds in stages.items() if name != "decode"},
        },
    }
