"""One process against several: loss and gradient of a method, from equal weights, step by step, last batch uneven.

``python -m tests.reliability.parity METHOD WORLD fp32|fp64`` prints one JSON line with the largest relative differences. In
fp64 they are rounding; in fp32 a ReLU whose input is within rounding of zero may open on one side only, and a single one
shows in a network this small.
"""

from __future__ import annotations

import copy
import json
import os
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
import torch.distributed as dist
from safetensors.torch import load_file, save_file

from tests.methods import cases
from tests.reliability.harness import free_port, wait
from tests.training.small import Memory
from vesalius.data.pixels import Pixels
from vesalius.training.feed import Feed
from vesalius.training.fit import _forward_backward
from vesalius.training.length import Length
from vesalius.training.log import Spent
from vesalius.training.method import Method
from vesalius.training.world import World, world
from vesalius.views.batch import Batch

STEPS, BATCH, SAMPLES = 3, 12, 29  # batches of 12, 12 and 5


def build(name: str) -> Method:
    """A tiny method of that name, the same every time."""
    method = cases.build(name).train()
    return method.double() if sys.argv[3] == "fp64" else method


class Wide:
    """Views in fp64."""

    def __init__(self) -> None:
        self.inner = cases.make_views(sys.argv[1])
        self.draw = self.inner.draw

    def apply(self, pixels: Pixels, draws: object) -> Batch:
        """Apply and widen."""
        batch = self.inner.apply(pixels, draws)  # type: ignore[arg-type]
        return replace(batch, views={k: v.double() for k, v in batch.views.items()})


def gradients(method: Method, here: World, batch_size: int, step: int) -> dict[str, torch.Tensor]:
    """Gradient of every parameter, and the parts of the loss, of one step."""
    made = Wide() if sys.argv[3] == "fp64" else cases.make_views(sys.argv[1])
    feed = Feed(Memory(SAMPLES), np.arange(SAMPLES), made, here, seed=1, batch_size=batch_size, drop_last=False)  # type: ignore[arg-type]
    wrapped = here.wrap(method)
    reads, samples = feed.at(step)
    at = Length(STEPS, feed.steps_per_epoch, 1, 1).at(step)
    parts, _ = _forward_backward(wrapped, method, made, reads, at, here, samples, Spent(), feed)  # type: ignore[arg-type]
    total = here.total(torch.stack([*parts.values()]).sum())
    found = {n: p.grad.clone() for n, p in method.named_parameters() if p.grad is not None}
    return {**found, "loss": total}


def main() -> None:
    """See the module."""
    name, size = sys.argv[1], int(sys.argv[2])
    torch.set_num_threads(1)
    alone = World(0, 1, torch.device("cpu"), None)
    method = build(name)
    states, single = [], []
    optimizer = torch.optim.SGD([p for p in method.parameters() if p.requires_grad], lr=0.05)
    for step in range(STEPS):
        states.append(copy.deepcopy(method.state_dict()))
        optimizer.zero_grad()
        single.append(gradients(method, alone, BATCH, step))
        optimizer.step()
    folder, port = Path(tempfile.mkdtemp()), free_port()
    children = []
    for rank in range(size):
        child = os.fork()
        if child == 0:
            code = 1
            try:
                os.environ.update(RANK=str(rank), WORLD_SIZE=str(size), LOCAL_RANK=str(rank), MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
                with world("cpu", "fp32") as here:
                    for step, state in enumerate(states):
                        fresh = build(name)
                        fresh.load_state_dict(state)
                        found = gradients(fresh, here, BATCH // size, step)
                        buffers = {f"buffer {n}": b for n, b in fresh.named_buffers() if b.is_floating_point()}
                        if rank == 0:
                            save_file({k: v.contiguous() for k, v in (found | buffers).items()}, folder / f"{step}.safetensors")
                    dist.barrier()
                code = 0
            finally:
                os._exit(code)
        children.append(child)
    codes = wait(children, 240)
    assert codes == [0] * size, f"ranks ended with {codes}"
    loss, gradient = [], []
    for step in range(STEPS):
        other = load_file(folder / f"{step}.safetensors")
        mine = single[step]
        scale = max(float(v.abs().max()) for k, v in mine.items() if k != "loss")
        gradient.append(max(float((mine[k] - other[k]).abs().max()) for k in mine if k != "loss") / scale)
        loss.append(abs(float(mine["loss"] - other["loss"])) / max(1e-9, abs(float(mine["loss"]))))
    print(json.dumps({"method": name, "world": size, "loss": loss, "gradient": gradient}))


if __name__ == "__main__":
    main()
