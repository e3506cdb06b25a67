"""What a training cost: time by stage, rate, memory."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import torch

from vesalius.encoders.cost import count
from vesalius.encoders.encoder import Encoder
from vesalius.training.fit import Spent
from vesalius.training.world import World


def cost(
    encoder: Encoder, input_size: tuple[int, ...], steps: int, epochs: float, spent: Spent, stages: Mapping[str, float], here: World
) -> dict[str, Any]:
    """``cost`` of ``results.json``. ``input_size``: (channels, *size) of a view; ``stages``: seconds beside the loop's own."""
    parameters, flops = count(encoder, (1, *input_size))
    if here.device.type == "cuda":
        peak = torch.cuda.max_memory_allocated() / 2**20
    else:
        import resource

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if os.uname().sysname == "Darwin" else 2**10)
    return {
        "images_per_second": spent.images / spent.stepping,
        "seconds": spent.total,
        "steps": steps,
        "epochs": epochs,
        "parameters": parameters,
        "flops_per_image": flops,
        "peak_memory_mb": peak,
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
