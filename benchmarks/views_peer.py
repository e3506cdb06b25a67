"""What the benchmarks of views share: the recipe, the peer, and the clock."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from vesalius import views
from vesalius.data.pixels import Pixels
from vesalius.views.operation import Pixelwise
from vesalius.views.recipe import known
from vesalius.views.sampling import Grid, Packed, Separable

warnings.filterwarnings("ignore")
torch.set_num_threads(1)

IMAGENET = {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}


def recipe(side: int) -> dict[str, Any]:
    """What ``lightly.transforms.SimCLRTransform`` does by default."""
    operations = [
        {"random_resized_crop": {"scale": [0.08, 1.0]}},
        {"horizontal_flip": {"p": 0.5}},
        {"colour_jitter": {"brightness": 0.8, "contrast": 0.8, "saturation": 0.8, "hue": 0.2, "p": 0.8}},
        {"greyscale": {"p": 0.2}},
        {"gaussian_blur": {"sigma": [0.1, 2.0], "p": 0.5}},
        {"normalise": IMAGENET},
    ]
    return {"global": {"count": 2, "size": side, "operations": operations}}


def photographs(n: int, side: int) -> np.ndarray:
    """``(n, side, side, 3)`` 8-bit images with the smoothness of photographs: noise at many scales."""
    g = torch.Generator().manual_seed(0)
    total = torch.zeros(n, 3, side, side)
    for cells in (2, 4, 8, 16, side):
        noise = torch.rand(n, 3, cells, cells, generator=g)
        total += torch.nn.functional.interpolate(noise, (side, side), mode="bilinear") / cells**0.5
    total = (total - total.amin((2, 3), keepdim=True)) / (
        total.amax((2, 3), keepdim=True) - total.amin((2, 3), keepdim=True)
    )
    return (total * 255).to(torch.uint8).permute(0, 2, 3, 1).contiguous().numpy()


def ours(tree: dict[str, Any] | str, images: np.ndarray) -> Callable[[], None]:
    """One batch of views of ``images`` (n, side, side, channels): numbers drawn and applied."""
    n, side, _, channels = images.shape
    made = views.load(tree, channels)
    planes = torch.from_numpy(images).permute(0, 3, 1, 2).contiguous()[:, None]
    pixels = Pixels(planes, torch.full((n, 1, 2), side), torch.full((n, 1), 1 / 255), torch.zeros(n, 1))
    rows, keys, extents = np.arange(n), np.arange(n, dtype=np.uint64), np.full((n, 2), side)
    epoch = 0

    def batch() -> None:
        nonlocal epoch
        epoch += 1
        made.apply(pixels, made.draw(0, epoch, rows, keys, extents))

    return batch


def fastest(work: Callable[[], None], seconds: float) -> float:
    """The least time of one call, of as many as fit ``seconds`` (three at least)."""
    times: list[float] = []
    stop = time.perf_counter() + seconds
    while len(times) < 3 or time.perf_counter() < stop:
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


def compare(
    side: int, stored: int, batch: int, peer_images: int, rounds: int, recipe: dict[str, Any]
) -> dict[str, Any]:
    """Microseconds for one view on one core, ours and the peer's."""
    from lightly.transforms import SimCLRTransform
    from PIL import Image

    images = photographs(max(batch, peer_images), stored)
    transform = SimCLRTransform(input_size=side)
    sources = images[:peer_images]

    def peer() -> None:
        for image in sources:
            transform(Image.fromarray(image))

    mine = ours(recipe, images[:batch])
    mine()
    peer()
    best = [float("inf"), float("inf")]
    for _ in range(rounds):
        best[0] = min(best[0], fastest(mine, 0.5) / (2 * batch) * 1e6)
        best[1] = min(best[1], fastest(peer, 0.5) / (2 * peer_images) * 1e6)
    setting = f"one thread, {batch} images stored at {stored} px, 2 views, torch {torch.__version__}, against lightly 1.6 on PIL images"
    return {
        "ours": round(best[0], 1),
        "peer": round(best[1], 1),
        "ratio": round(best[1] / best[0], 2),
        "unit": "microseconds of processor time per view, ratio is peer / ours",
        "setting": setting,
    }


def shares(tree: dict[str, Any], stored: int, batch: int, batches: int = 12) -> dict[str, float]:
    """Share of each step in the time of a batch, by a clock around it; ``rest`` is drawing and bookkeeping."""
    work = ours(tree, photographs(batch, stored))
    work()
    spent: dict[str, float] = {}

    def clocked(kind: type, method: str, name: str) -> tuple[type, str, Callable[..., Any]]:
        plain = getattr(kind, method)

        def timed(*args: Any) -> Any:
            start = time.process_time()
            result = plain(*args)
            spent[name] = spent.get(name, 0.0) + time.process_time() - start
            return result

        setattr(kind, method, timed)
        return kind, method, plain

    kinds = [kind for name, kind in known().items() if any(name in op for op in tree["global"]["operations"])]
    patched = [clocked(kind, "change", kind.name) for kind in kinds if issubclass(kind, Pixelwise)]
    patched += [clocked(kind, "sample", "crop and flip (one sampling)") for kind in (Packed, Separable, Grid)]
    start = time.process_time()
    for _ in range(batches):
        work()
    total = time.process_time() - start
    for kind, method, plain in patched:
        setattr(kind, method, plain)
    found = {name: round(seconds / total, 3) for name, seconds in spent.items()}
    return {**found, "rest": round(1 - sum(found.values()), 3)}
