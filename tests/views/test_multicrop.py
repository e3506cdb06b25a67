"""DINO's recipes: unlike large crops, small ones of their own scale, and no aliasing where a crop shrinks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torchvision.transforms.v2 import functional as F

from tests.views.batches import ids, stored
from vesalius import views
from vesalius.views.batch import Draws
from vesalius.views.pipeline import Views

RECIPES = {"dino": (8, 224, 96, 0.05), "dino-96": (6, 96, 48, 0.05), "dino-32": (4, 32, 16, 0.15)}
SAMPLES = 24


@pytest.mark.parametrize("name", RECIPES)
def test_the_groups_are_the_papers(name: str) -> None:
    count, large, small, least = RECIPES[name]
    made = views.load(name, 3)
    assert dict(made.makes) == {"global": (2, (large, large)), "local": (count, (small, small))}
    assert next(iter(made.makes)) == "global", "the encoder is built for the first group's size"
    config = made.config()
    scales = [config[group]["operations"][0]["random_resized_crop"]["scale"] for group in ("global", "local")]
    assert scales == [[0.4, 1.0], [least, 0.4]]
    assert not [op for op in config["local"]["operations"] if "solarise" in op]


@pytest.mark.parametrize("name", RECIPES)
def test_the_large_views_are_unlike(name: str) -> None:
    made = views.load(name, 3)
    drawn = made.draw(0, 0, np.arange(200), ids(200), np.full((200, 2), 256)).values
    shares = {}
    for key, value in drawn.items():
        group, operation, parameter = key.split("/")
        if parameter in ("sigma", "on") and "solarise" in operation:
            shares.setdefault((group, "solarise"), []).append(np.asarray(value).mean(1))
        elif parameter == "sigma":
            shares.setdefault((group, "blur"), []).append((np.asarray(value) > 0).mean(1))
    first, second = sum(shares["global", "solarise"])
    assert first == 0
    assert 0.1 < second < 0.3
    if name != "dino-32":
        first, second = sum(shares["global", "blur"])
        assert first == 1
        assert 0.04 < second < 0.17
        assert (np.abs(sum(shares["local", "blur"]) - 0.5) < 0.15).all()


def local_crops(name: str, side: int) -> tuple[Views, Draws, np.ndarray]:
    """The recipe's local group without what changes values, drawn for images of ``side`` pixels; its boxes (V, B, 4)."""
    config = views.load(name, 1).config()
    group: dict[str, Any] = {**config["local"], "operations": config["local"]["operations"][:1]}
    assert list(group["operations"][0]) == ["random_resized_crop"]
    made = views.load({"global": config["global"] | {"operations": group["operations"]}, "local": group}, 1)
    draws = made.draw(3, 0, np.arange(SAMPLES), ids(SAMPLES), np.full((SAMPLES, 2), side))
    return made, draws, draws.values["local/0-random_resized_crop/box"]


@pytest.mark.parametrize("dtype", [torch.uint8, torch.uint16])
@pytest.mark.parametrize("times", [1.5, 2.5])  # sides of the stored images, in sides of the large view
@pytest.mark.parametrize("name", RECIPES)
def test_local_crops_do_not_alias(name: str, times: float, dtype: torch.dtype) -> None:
    """Stripes and a checkerboard of single pixels cannot be seen in a view that shrinks them: all that is left of them is
    aliasing. It must be what torchvision's anti-aliased crop leaves, next to nothing, and not what plain bilinear leaves.
    """
    _, large, small, _ = RECIPES[name]
    side = round(times * large)
    made, draws, boxes = local_crops(name, side)
    line = (torch.arange(side) % 2).float()
    patterns = torch.stack([line.expand(side, side), (line[:, None] + line) % 2])
    for pattern in patterns:
        pixels = stored(pattern.expand(SAMPLES, 1, side, side).contiguous(), dtype=dtype)
        ours = made.apply(pixels, draws).views["local"]
        energies = []
        for view, sample in zip(*np.nonzero(boxes[..., 2:].min(-1) > 1.5 * small)):
            box = [int(n) for n in boxes[view, sample]]
            peers = [F.resized_crop(pattern[None], *box, [small, small], antialias=antialias) for antialias in (True, False)]
            crops = (ours[view, sample], *peers)
            energies.append([float((crop - 0.5).pow(2).mean()) for crop in crops])
            assert (crops[0] - crops[1]).abs().max() < 1.01 / 255
        mine, smooth, plain = np.array(energies).mean(0)
        assert len(energies) >= 5, "the recipe does shrink"
        assert mine < 1.05 * smooth + 1e-5
        assert mine < 0.05 * plain
        assert plain > 0.01, "the pattern would alias"
