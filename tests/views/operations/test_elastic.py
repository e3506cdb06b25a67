from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter, map_coordinates
from torchvision.transforms import InterpolationMode, v2
from torchvision.transforms.v2 import functional as F

from tests.views.batches import chance, ids, images, same_distribution, stored
from vesalius import views
from vesalius.data.pixels import Pixels
from vesalius.errors import UserError
from vesalius.views import bank
from vesalius.views.operations.elastic import Elastic

CPU = torch.device("cpu")


def bent(pixels: Pixels, operations: list, size: list[int]) -> tuple[torch.Tensor, dict[str, np.ndarray]]:
    made = views.load({"image": {"count": 1, "size": size, "operations": operations}}, pixels.data.shape[2])
    n = len(pixels.data)
    draws = made.draw(0, 0, np.arange(n), ids(n), pixels.extents[:, 0].numpy())
    drawn = {key.rsplit("/", 1)[1]: value[0] for key, value in draws.values.items()}
    return made.apply(pixels, draws).views["image"][0], drawn


def field(corner: np.ndarray, sigma: float, height: int, width: int) -> np.ndarray:
    """Displacements (x and y, height, width) before alpha."""
    lines = [(np.arange(height) + top, np.arange(width) + left) for top, left in corner.tolist()]
    return np.stack([bank.window(sigma, rows, columns, CPU).numpy() for rows, columns in lines])


def test_equals_scipy_with_the_same_field():
    x = stored(images(3, 2, 48, 56))
    ours, drawn = bent(x, [{"elastic": {"alpha": 30, "sigma": 4, "p": 1.0}}], [48, 56])
    y, z = np.mgrid[:48, :56].astype(float)
    for i, image in enumerate(x.data[:, 0].numpy() / 255):
        dx, dy = field(drawn["corner"][i], 4.0, 48, 56) * 30
        want = np.stack([map_coordinates(plane, [y + dy, z + dx], order=1, mode="nearest") for plane in image])
        inside = (z + dx >= 0) & (z + dx <= 55) & (y + dy >= 0) & (y + dy <= 47)
        assert np.abs(ours[i].numpy() - want)[:, inside].max() < 1e-4
        off = (z + dx < -0.5) | (z + dx > 55.5) | (y + dy < -0.5) | (y + dy > 47.5)
        assert off.any()
        assert (ours[i].numpy()[:, off] == 0).all(), "beyond the canvas it is black"


def test_equals_torchvision_with_the_same_field():
    x = stored(images(2, 3, 48, 56))
    ours, drawn = bent(x, [{"elastic": {"alpha": 30, "sigma": 4, "p": 1.0}}], [48, 56])
    d = torch.from_numpy(field(drawn["corner"][0], 4.0, 48, 56) * 30).permute(1, 2, 0)[None]
    want = F.elastic(x.data[0] / 255, d * torch.tensor([2 / 56, 2 / 48]), interpolation=InterpolationMode.BILINEAR)[0]
    assert (ours[0] - want)[:, 6:-6, 6:-6].abs().max() < 1e-4


def test_the_bank_is_smoothed_as_scipy_smooths():
    rough = bank.random.generator("views bank", "uniform").random((bank.SIDE, bank.SIDE), np.float32) * 2 - 1
    assert np.abs(bank.smooth(4.0, CPU).numpy() - gaussian_filter(rough, 4, mode="wrap")).max() < 1e-6


def test_displacements_are_as_large_as_torchvisions():
    torch.manual_seed(0)
    peer = v2.ElasticTransform(alpha=60.0, sigma=5.0)
    theirs = [peer.make_params([torch.empty(3, 64, 64)])["displacement"][0] * 32 for _ in range(20)]
    corners = Elastic(p=1).draw(chance(20), np.full((20, 2), 64.0), (64, 64))["corner"]
    ours = [field(c, 5.0, 64, 64).transpose(1, 2, 0) * 30 for c in corners]
    # Neighbouring displacements go together, so only one in fifteen is looked at.
    sample = [np.concatenate([np.asarray(f)[8:-8:15, 8:-8:15].ravel() for f in fields]) for fields in (ours, theirs)]
    assert same_distribution(*sample) > 1e-3


def test_before_a_crop_and_a_flip_it_bends_the_canvas_they_take_from():
    """The same draws, in one sampling and in steps: bend, then cut and mirror."""
    x = stored(images(4, 1, 80, 80))
    step = {"elastic": {"alpha": 40, "sigma": 4, "p": 1.0}}
    whole, _ = bent(x, [step], [80, 80])
    cut, _ = bent(x, [step, "centre_crop"], [64, 64])
    assert (cut - whole[:, :, 8:72, 8:72]).abs().max() < 1e-5
    mirrored, _ = bent(x, [step, "centre_crop", {"horizontal_flip": {"p": 1.0}}], [64, 64])
    assert (mirrored - cut.flip(3)).abs().max() < 1e-5


def test_the_canvas_is_bent_after_it_was_turned():
    """A displacement is one of the turned image, not of the stored one."""
    x = stored(images(2, 1, 64, 64))
    quarter = {"affine": {"degrees": [90, 90]}}
    turned, drawn = bent(x, [quarter, {"elastic": {"alpha": 30, "sigma": 4, "p": 1.0}}], [64, 64])
    y, z = np.mgrid[:64, :64].astype(float)
    for i, image in enumerate(F.rotate(x.data[:, 0] / 255, -90)[:, 0].numpy()):
        dx, dy = field(drawn["corner"][i], 4.0, 64, 64) * 30
        want = map_coordinates(image, [y + dy, z + dx], order=1, mode="nearest")
        assert np.abs(turned[i, 0].numpy() - want)[8:-8, 8:-8].max() < 1e-3


@pytest.mark.parametrize("behind", ["affine", "elastic"])
def test_what_cannot_follow_is_refused(behind):
    with pytest.raises(UserError, match="Put elastic last"):
        views.load({"image": {"count": 1, "size": 32, "operations": ["elastic", behind]}}, 1)


def test_probability_and_large_canvases():
    drawn = Elastic(p=0.4).draw(chance(), np.full((10_000, 2), 8.0), (8, 8))
    assert abs((drawn["alpha"] > 0).mean() - 0.4) < 0.02
    assert drawn["corner"].max() <= bank.SIDE - 8
    large = bank.window(4.0, np.arange(2000) + 900, np.arange(3), CPU)
    assert torch.equal(large[700], bank.window(4.0, np.array([64]), np.arange(3), CPU)[0])
