"""Views of the eighteen transforms of invariance: ours, batched on tensors, against torchvision on PIL images one by one.

The peer does as the original (Anton et al., 2022): each transform with each parameter on the image as it is, then resized to 256 pixels,
cropped to 224 and normalised; its elastic map is torchvision's with the same field. Ours resizes and crops an image once. The same
parameters of both, eight of each transform; views alone, and through a ResNet-18 in fp32 that both feed in batches. One thread.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from benchmarks.views_peer import IMAGENET, photographs
from PIL import Image
from torch import Tensor
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2 import functional as F

from vesalius import views
from vesalius.data.pixels import Pixels
from vesalius.encoders import build_encoder
from vesalius.evaluate.transformed.applying import applied
from vesalius.evaluate.transformed.fields import displacement
from vesalius.evaluate.transformed.grids import Parameter
from vesalius.evaluate.transformed.transforms import TRANSFORMS

STORED, SIDE, SETTINGS = 512, 224, 8
BILINEAR = InterpolationMode.BILINEAR
CHOSEN = {name: transform.parameters(count=SETTINGS) for name, transform in TRANSFORMS.items()}
VIEWS = sum(map(len, CHOSEN.values()))
PEERS: dict[str, Callable[[Image.Image, Any], Image.Image]] = {
    "rotation": lambda x, p: F.rotate(x, p, interpolation=BILINEAR),
    "translation": lambda x, p: F.affine(x, 0.0, [round(v * STORED) for v in p], 1.0, [0.0, 0.0], interpolation=BILINEAR),
    "scale": lambda x, p: F.affine(x, 0.0, [0, 0], p, [0.0, 0.0], interpolation=BILINEAR),
    "shear": lambda x, p: F.affine(x, 0.0, [0, 0], 1.0, list(p), interpolation=BILINEAR),
    "resized_crop": lambda x, p: F.resized_crop(x, *(round(v * STORED) for v in p), [SIDE, SIDE]),
    "h_flip": lambda x, p: F.horizontal_flip(x),
    "v_flip": lambda x, p: F.vertical_flip(x),
    "deform": lambda x, p: F.elastic(x, displacement((p,), (STORED, STORED)), interpolation=BILINEAR),
    "grayscale": lambda x, p: F.rgb_to_grayscale(x, 3),
    "brightness": F.adjust_brightness,
    "contrast": F.adjust_contrast,
    "saturation": F.adjust_saturation,
    "hue": F.adjust_hue,
    "blur": lambda x, p: F.gaussian_blur(x, [23, 23], [p * STORED] * 2),
    "sharpness": F.adjust_sharpness,
    "invert": lambda x, p: F.invert(x),
    "equalize": lambda x, p: F.equalize(x),
    "posterize": lambda x, p: F.posterize(x, int(p)),
}
MEAN, STD = (torch.tensor(IMAGENET[name]).view(1, 3, 1, 1) for name in ("mean", "std"))


def peer(images: np.ndarray, name: str) -> list[Tensor]:
    """A batch (parameters, 3, 224, 224) for each image."""
    found = []
    for array in images:
        image, each = Image.fromarray(array), []
        for parameter in CHOSEN[name]:
            seen = F.center_crop(F.resize(PEERS[name](image, parameter), [256]), [SIDE, SIDE])
            each.append(F.normalize(F.to_dtype(F.pil_to_tensor(seen), torch.float32, scale=True), **IMAGENET))
        found.append(torch.stack(each))
    return found


def resized(images: np.ndarray) -> Tensor:
    """``(n, 3, 224, 224)``: each image once."""
    made = views.load({"image": {"count": 1, "size": SIDE, "operations": [{"resize": {"shorter": 256}}, "centre_crop"]}}, 3)
    n = len(images)
    planes = torch.from_numpy(images).permute(0, 3, 1, 2).contiguous()[:, None]
    pixels = Pixels(planes, torch.full((n, 1, 2), STORED), torch.full((n, 1), 1 / 255), torch.zeros(n, 1))
    draws = made.draw(0, 0, np.arange(n), np.arange(n, dtype=np.uint64), np.full((n, 2), STORED))
    return made.apply(pixels, draws).views["image"][0].clone()


def ours(x: Tensor, name: str) -> Tensor:
    """``(n * parameters, 3, 224, 224)``."""
    some: Sequence[Parameter] = CHOSEN[name]
    return applied(x, TRANSFORMS[name], some).flatten(0, 1).sub_(MEAN).div_(STD)


def clocked(work: Callable[[], Any]) -> float:
    """Seconds of processor time of one call."""
    start = time.process_time()
    work()
    return time.process_time() - start


def compare(count: int, rounds: int) -> dict[str, Any]:
    """Views alone: microseconds for one view, over all transforms and for each."""
    images = photographs(count, STORED)
    x = resized(images)
    for name in CHOSEN:
        ours(x, name), peer(images[:1], name)
    best = {name: [float("inf")] * 2 for name in CHOSEN}
    once = min(clocked(lambda: resized(images)) for _ in range(rounds))
    for _ in range(rounds):
        for name, found in best.items():
            found[0] = min(found[0], clocked(lambda name=name: ours(x, name)))
            found[1] = min(found[1], clocked(lambda name=name: peer(images, name)))
    mine, theirs = once + sum(f[0] for f in best.values()), sum(f[1] for f in best.values())
    each = {name: [round(t / count / len(CHOSEN[name]) * 1e6) for t in found] for name, found in best.items()}
    return line("views of the eighteen transforms", mine / count / VIEWS, theirs / count / VIEWS, count, "views alone") | {"each, ours and peer": each}


def compare_encoded() -> dict[str, Any]:
    """The same through an encoder, one image: microseconds for one feature vector."""
    images, encoder = photographs(1, STORED), build_encoder("resnet18", stem="standard", size=(SIDE, SIDE)).eval()

    def mine() -> None:
        x = resized(images)
        for name in CHOSEN:
            encoder(ours(x, name))

    def theirs() -> None:
        for name in CHOSEN:
            encoder(peer(images, name)[0])

    with torch.no_grad():
        encoder(torch.zeros(8, 3, SIDE, SIDE))
        found = [clocked(work) / VIEWS for work in (mine, theirs)]
    return line("features of the eighteen transforms, ResNet-18", *found, 1, "through a ResNet-18 in fp32")


def line(name: str, mine: float, theirs: float, count: int, what: str) -> dict[str, Any]:
    """One row of the page."""
    setting = f"{what}, one thread, {count} images of {STORED} px, {VIEWS} views of each at {SIDE} px, torch {torch.__version__}, against torchvision on PIL"
    unit = "microseconds of processor time per view, ratio is peer / ours"
    return {"name": name, "ours": round(mine * 1e6, 1), "peer": round(theirs * 1e6, 1), "ratio": round(theirs / mine, 2), "unit": unit, "setting": setting}


if __name__ == "__main__":
    torch.set_num_threads(1)
    full = "--full" in sys.argv
    print(json.dumps(compare(8 if full else 2, 5 if full else 2)), flush=True)
    print(json.dumps(compare_encoded()), flush=True)
