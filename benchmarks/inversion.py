"""Images found again from features: one after the other against four in one pass, in time and memory.

The documented generator at 224 px (256 within) and a ResNet-18's last map, fp32, or ``--size`` and ``--encoder``. Both sides do the same
arithmetic on the same images: k generators in turn, or k groups of one generator's channels. Sides alternate; medians of the time of an
iteration count, per image. Memory is of a process of its own for each side: what it holds at most above what there was before the first
iteration (``RssAnon``), per image, everything counted: weights, moments, gradients, activations. Prints two JSON lines; a ratio above 1 speaks for
four at once.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import torch
from benchmarks.evaluation_memory import Peak

SIDES = (1, 4)


def stepping(encoder_name: str, size: int, images: int) -> Callable[[], None]:
    """An iteration of ``images`` generators in one pass."""
    from vesalius.encoders import build_encoder
    from vesalius.evaluate.reconstructed.generator import Generators
    from vesalius.evaluate.reconstructed.layers import features, frozen

    encoder = build_encoder(encoder_name, channels=3, size=(size, size)).eval()
    x = torch.rand(images, 3, size, size, generator=torch.Generator().manual_seed(0))
    made = Generators(list(range(images)), 3, (size, size))
    optimizer = torch.optim.Adam(made.parameters(), lr=1e-3, fused=True)
    with torch.no_grad():
        true = features(encoder, x, "map")

    def step() -> None:
        with frozen(encoder):
            (features(encoder, made(), "map") - true).square().flatten(1).mean(1).sum().backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    return step


def held(encoder: str, size: int, images: int) -> int:
    """Bytes that two iterations of ``images`` at once hold at most."""
    step = stepping(encoder, size, images)
    with Peak() as peak:
        step()
        step()
    return peak.most


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--encoder", default="resnet18")
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--held", type=int, help="print the bytes that so many images hold, and stop")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    if given.held:
        print(json.dumps({"bytes": held(given.encoder, given.size, given.held)}))
        return
    steps = {images: stepping(given.encoder, given.size, images) for images in SIDES}
    seconds: dict[int, list[float]] = {images: [] for images in SIDES}
    for round_ in range(given.rounds + 1):
        for images, step in steps.items():
            start = time.perf_counter()
            for _ in range(SIDES[-1] // images):  # as many images on either side
                step()
            if round_:  # the first round warms up
                seconds[images].append((time.perf_counter() - start) / SIDES[-1])
    words = ("--encoder", given.encoder, "--size", str(given.size), "--threads", str(given.threads))
    bytes_: dict[int, float] = {}
    for images in SIDES:
        said = subprocess.run([sys.executable, "-m", "benchmarks.inversion", *words, "--held", str(images)], check=True, capture_output=True, text=True)
        bytes_[images] = json.loads(said.stdout)["bytes"] / images
    one, four = SIDES
    setting = f"{given.encoder}, {given.size} px, fp32, {given.threads} thread(s); peer: one image at a time"
    took = {images: statistics.median(values) for images, values in seconds.items()}
    mib = {images: value / 2**20 for images, value in bytes_.items()}
    for name, found, digits, unit in (
        ("four images found again at once, time", took, 4, "s an iteration and image"),
        ("four images found again at once, memory", mib, 0, "MiB an image"),
    ):
        line = {"name": name, "unit": unit, "setting": setting, "ours": round(found[four], digits), "peer": round(found[one], digits)}
        print(json.dumps({**line, "ratio": round(found[one] / found[four], 2)}))


if __name__ == "__main__":
    main()
