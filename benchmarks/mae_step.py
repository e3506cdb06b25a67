"""A step of MAE with three of four patches dropped, against a step that encodes every patch with the same ViT.

The network and decoder of the recipe ``pneumonia-mae-224`` (ViT-S/16 on one channel at 224 pixels), fp32, forward, backward and
AdamW. The first peer is the ViT alone, without any decoder: forward of all patches, backward from its tokens, its optimizer. The
second is the same method, decoder and loss, whose encoder is given every patch (the paper's "encoder with mask tokens", table 1c).
The sides alternate; the medians of processor time count, one thread by default, so that neighbours disturb little. Prints two
JSON lines; a ratio of 2 is half the time.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor, nn

from vesalius import views
from vesalius.data.pixels import Pixels
from vesalius.encoders import build_encoder
from vesalius.methods.mae import Config, build
from vesalius.recipes.loading import load_pretrain
from vesalius.training.method import Progress
from vesalius.views.batch import Batch

NOW = Progress(0, 1, 0, 1.0, 1)


def batch_of(recipe: str, samples: int) -> Batch:
    """Views of noise, with their masks."""
    size = 224
    data = torch.randint(0, 255, (samples, 1, 1, size, size), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    pixels = Pixels(data, torch.full((samples, 1, 2), size), torch.full((samples, 1), 1 / 255), torch.zeros(samples, 1))
    made, ids = views.load(recipe, 1), torch.arange(samples)
    draws = made.draw(0, 0, ids.numpy(), ids.numpy().astype("uint64"), pixels.extents[:, 0].numpy())
    return made.apply(pixels, draws)


def stepping(trained: nn.Module, loss: Callable[[], Tensor]) -> Callable[[], None]:
    """One step of training ``trained`` on ``loss``."""
    optimizer = torch.optim.AdamW([p for p in trained.parameters() if p.requires_grad], lr=1e-4, fused=True)

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        loss().backward()
        optimizer.step()

    return step


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--recipe", default="pneumonia-mae-224")
    parser.add_argument("--samples", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    config, _ = load_pretrain(given.recipe)
    batch = batch_of(str(config.views), given.samples)
    x = batch.views["global"][0]
    hide = batch.drawn["hide/global"]
    everything = torch.arange(hide.shape[-1]).expand(*hide.shape)
    whole = replace(batch, drawn={**batch.drawn, "keep/global": everything})
    alone, ours, with_all = (build_encoder(config.encoder.name, channels=1, size=tuple(x.shape[2:]), **config.encoder.fields) for _ in range(3))
    mae, peer = (build(encoder, Config(**config.method.fields)) for encoder in (ours, with_all))
    sides = {
        "ours": stepping(mae, lambda: mae(batch, NOW).parts["mae"].mean()),
        "the ViT alone": stepping(alone, lambda: alone(x).tokens.square().mean()),
        "all patches encoded": stepping(peer, lambda: peer(whole, NOW).parts["mae"].mean()),
    }
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for round_ in range(given.rounds + 1):
        for name, step in sides.items():
            start = time.process_time()
            step()
            if round_:  # the first round warms up
                seconds[name].append(time.process_time() - start)
    took = {name: statistics.median(values) for name, values in seconds.items()}
    sizes = f"{given.recipe}: {config.encoder.name}, decoder {config.method.fields['width']}×{config.method.fields['depth']}"
    where = f"{given.samples} images, {1 - hide.float().mean():.0%} of {hide.shape[-1]} patches kept, fp32, {given.threads} thread(s)"
    for name in ("the ViT alone", "all patches encoded"):
        line = {
            "name": f"MAE's step against {name}",
            "ours": round(took["ours"], 3),
            "peer": round(took[name], 3),
            "ratio": round(took[name] / took["ours"], 2),
            "unit": "processor s a step",
            "setting": f"{sizes}; {where}; peer: "
            + ("forward and backward of every patch, no decoder" if name == "the ViT alone" else "the same with every patch encoded"),
        }
        print(json.dumps(line))


if __name__ == "__main__":
    main()
