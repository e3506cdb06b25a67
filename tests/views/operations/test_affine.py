from __future__ import annotations

import numpy as np
import pytest
import torch
from torchvision.transforms import InterpolationMode, v2
from torchvision.transforms.v2 import functional as F

from tests.views.batches import DRAWS, chance, images, run, same_distribution, stored
from vesalius import views
from vesalius.views.batch import Draws
from vesalius.views.operations.affine import Affine

CASES = [
    {"angle": 30.0, "translate": (0.0, 0.0), "scale": 1.0, "shear": (0.0, 0.0)},
    {"angle": 0.0, "translate": (5.0, -3.0), "scale": 1.0, "shear": (0.0, 0.0)},
    {"angle": 0.0, "translate": (0.0, 0.0), "scale": 1.3, "shear": (0.0, 0.0)},
    {"angle": 0.0, "translate": (0.0, 0.0), "scale": 1.0, "shear": (20.0, 0.0)},
    {"angle": -75.0, "translate": (2.0, 4.0), "scale": 0.8, "shear": (10.0, -15.0)},
]


def affine(pixels, case, size, **options):
    made = views.load({"image": {"count": 1, "size": size, "operations": [{"affine": options}]}}, pixels.data.shape[2])
    n = len(pixels.data)
    drawn = {f"image/0-affine/{k}": np.broadcast_to(np.float32(v), (1, n, *np.shape(v))) for k, v in case.items()}
    whole = np.zeros((n, 1, 2, 2), np.int64)
    whole[:, 0, 1] = pixels.extents[:, 0].numpy()
    return made.apply(pixels, Draws(np.arange(n)[:, None], whole, drawn)).views["image"][0]


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize(("height", "width"), [(40, 40), (30, 48)])
def test_equals_torchvision(case, height, width):
    x = images(2, 3, height, width)
    pixels = stored(x)
    got = affine(pixels, case, (height, width))
    args = (case["angle"], list(case["translate"]), case["scale"], list(case["shear"]))
    theirs = [
        F.affine(image, *args, interpolation=InterpolationMode.BILINEAR)
        for image in (pixels.data[:, 0] / 255, torch.ones(1, 1, height, width))
    ]
    inside = theirs[1][0, 0] > 0.999
    assert (got - theirs[0])[:, :, inside].abs().max() < 1 / 255
    assert inside.float().mean() > 0.3


def test_outside_is_black_or_the_edge():
    pixels = stored(torch.full((1, 1, 20, 20), 0.8))
    case = {"angle": 45.0, "translate": (0.0, 0.0), "scale": 1.0, "shear": (0.0, 0.0)}
    black = affine(pixels, case, 20)
    assert black[0, 0, 0, 0] == 0
    assert abs(black[0, 0, 10, 10] - 0.8) < 1e-5
    assert torch.allclose(affine(pixels, case, 20, outside="edge"), torch.tensor(0.8))


def test_is_drawn_as_torchvision_draws_it():
    ours = Affine(degrees=30, translate=(0.1, 0.2), scale=(0.8, 1.2), shear=(-10, 20), shear_y=5).draw(
        chance(), np.tile([[100.0, 60.0]], (DRAWS, 1)), (32, 32)
    )
    peer = v2.RandomAffine(30, translate=(0.1, 0.2), scale=(0.8, 1.2), shear=(-10, 20, -5, 5))
    torch.manual_seed(0)
    image = torch.empty(3, 100, 60)
    drawn = [peer.make_params([image]) for _ in range(DRAWS)]
    for values, peers in (
        (ours["angle"], [d["angle"] for d in drawn]),
        (ours["scale"], [d["scale"] for d in drawn]),
        (ours["translate"][:, 0], [d["translate"][0] for d in drawn]),
        (ours["translate"][:, 1], [d["translate"][1] for d in drawn]),
        (ours["shear"][:, 0], [d["shear"][0] for d in drawn]),
        (ours["shear"][:, 1], [d["shear"][1] for d in drawn]),
    ):
        assert same_distribution(values, np.array(peers)) > 1e-3


def test_rotated_crops_never_see_padding():
    """Poisoned padding (white) around black images of many sizes stays unseen at every level of the pyramid."""
    g = np.random.default_rng(0)
    extents = g.integers(9, 90, (40, 2))
    x = torch.ones(40, 3, *extents.max(0))
    for image, (h, w) in zip(x, extents):
        image[:, :h, :w] = 0
    recipe = [{"affine": {"degrees": 45, "scale": (0.3, 1.2), "shear": 20}}, "random_resized_crop"]
    made = views.load({"image": {"count": 2, "size": 24, "operations": recipe}}, 3)
    assert run(made, stored(x, extents)).views["image"].abs().max() < 1e-5


def test_shrinking_rotations_are_smoothed():
    """A checkerboard that shrinks by four must become grey, not alias into another pattern."""
    board = (torch.arange(96)[:, None] + torch.arange(96)[None]) % 2
    pixels = stored(board.float().expand(1, 1, 96, 96))
    recipe = [{"affine": {"degrees": (10, 10)}}, {"resize": {}}]
    got = run(views.load({"image": {"count": 1, "size": 24, "operations": recipe}}, 1), pixels).views["image"]
    assert (got[0, 0, 0, 6:18, 6:18] - 0.5).abs().max() < 0.05
