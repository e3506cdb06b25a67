"""L1 over hidden and kept voxels, the two baselines beside it, and the picture of three planes."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from tests.methods import cases
from tests.training.monitors.features import Split, after_epochs
from tests.training.small import Memory
from vesalius.errors import UserError
from vesalius.training.method import Method, Reconstruction
from vesalius.training.monitors import reconstruction
from vesalius.training.monitors.reconstruction import Config, measured
from vesalius.views.batch import Batch
from vesalius.views.patches import patchify
from vesalius.views.planes import planes, sheet


def painted(shape: tuple[int, ...] = (2, 1, 4, 6, 8)) -> Reconstruction:
    generator = torch.Generator().manual_seed(0)
    target, made, noise = (torch.rand(shape, generator=generator) for _ in range(3))
    changed = torch.zeros(shape[0], 1, *shape[2:], dtype=torch.bool)
    changed[0, :, :2], changed[1, :, :, 1] = True, True
    seen = torch.stack([torch.where(changed, noise, target), target])
    return Reconstruction(target, seen, made, changed, target.mean((2, 3, 4), keepdim=True))


class Painting(Method):
    """Paints what it is told."""

    def __init__(self, found: Reconstruction | None) -> None:
        super().__init__()
        self.found = found

    def reconstruct(self, batch: Batch) -> Reconstruction | None:
        """What it was told."""
        return self.found

    def forward(self, batch: Any, at: Any) -> Any:
        """Never called here."""

    def exports(self) -> Any:
        """Never called here."""


NOTHING = Batch({}, {}, torch.zeros(2, dtype=torch.int64))


def test_the_numbers_are_means_over_voxels() -> None:
    found = painted()
    monitor = reconstruction.build(Config(), "reconstruction", None, 1)
    columns = monitor.measure(Painting(found), NOTHING)
    finding = monitor(lambda split: Split(columns, {}), Painting(None), after_epochs(1))
    hidden = found.changed.expand_as(found.target)
    for stem, answer in (("", found.made), ("identity_", found.seen[0]), ("mean_", found.mean)):
        error = (answer - found.target).abs()
        assert finding.scalars[f"{stem}l1"] == pytest.approx(float(error.mean()), abs=1e-6)
        assert finding.scalars[f"{stem}hidden_l1"] == pytest.approx(float(error[hidden].mean()), abs=1e-6)
        assert finding.scalars[f"{stem}kept_l1"] == pytest.approx(float(error[~hidden].mean()), abs=1e-6)
    assert finding.scalars["identity_kept_l1"] == 0
    assert finding.scalars["hidden_share"] == pytest.approx(float(hidden.float().mean()))
    assert finding.best == {"l1": True}
    again = monitor(lambda split: Split(columns + 0.1, {}), Painting(None), after_epochs(2))
    assert again.best == {"l1": False}
    other = reconstruction.build(Config(), "reconstruction", None, 1)
    other.load_state_dict(monitor.state_dict())
    assert other.record.best == finding.scalars["l1"]


def test_the_first_samples_are_shown_in_three_planes_as_they_are_held() -> None:
    found = painted()
    monitor = reconstruction.build(Config(pictures=1), "reconstruction", None, 1)
    columns = monitor.measure(Painting(found), NOTHING)
    monitor.measure(Painting(found), NOTHING)
    finding = monitor(lambda split: Split(columns, {}), Painting(None), after_epochs(1))
    picture = np.asarray(Image.open(io.BytesIO(finding.pictures["planes"])))
    high, wide = 8 * 12 + 2, 6 * 12 + 2  # planes of at most 8 by 6 voxels, enlarged to at least 96 pixels, and a gap
    assert picture.shape == (3 * high - 2, 4 * wide - 2)  # one sample: three planes; original, two views, reconstruction
    assert not monitor(lambda split: Split(columns, {}), Painting(None), after_epochs(2)).pictures, "each event shows its own"
    volume = torch.zeros(5, 7, 9)
    volume[4, 3, 4] = 1  # at the right
    axial, coronal, _ = planes(volume)
    assert (axial.shape, coronal.shape) == ((7, 5), (9, 5))
    assert axial[3, 0] == 1
    assert coronal[4, 0] == 1  # the right is on the left
    volume = torch.zeros(5, 7, 9)
    volume[2, 6, 4], volume[2, 3, 8] = 1, 1  # in front, on top
    assert planes(volume)[0][0, 2] == 1
    assert planes(volume)[2][4, 0] == 1
    assert planes(volume)[1][0, 2] == 1


def test_a_constant_picture_is_black_and_no_fault() -> None:
    picture = np.asarray(Image.open(io.BytesIO(sheet([[torch.full((4, 4, 4), 0.3)]]))))
    assert sorted({*picture.flatten().tolist()}) == [0, 255]  # white are the gaps


@pytest.mark.parametrize("name", ["restoration", "mae"])
def test_what_the_methods_paint(name: str) -> None:
    method, made, store = cases.build(name).eval(), cases.make_views(name), Memory(5)
    rows = np.arange(5)
    draws = made.draw(1, 0, rows, store.ids, store.extents)
    batch = made.apply(store.read(draws.rows, draws.windows), draws)
    with torch.no_grad():
        found = method.reconstruct(batch)
        out = method(batch, after_epochs(0))
    assert found is not None
    numbers = measured(found)
    assert numbers.shape == (5, 7)
    if name == "restoration":
        assert torch.equal(found.target, batch.views["clean"][0])
        torch.testing.assert_close((found.made - found.target).abs().mean(), out.parts["l1"])
        return
    hide = batch.drawn["hide/global"][0]
    torch.testing.assert_close(numbers[:, 0], torch.full((5,), 0.75))
    assert torch.equal(found.made[~found.changed], found.target[~found.changed]), "what was kept is as it was"
    target, rebuilt = patchify(found.target, 4), patchify(found.made, 4)
    variance = target.var(-1, keepdim=True) + 1e-6
    error = ((rebuilt - target).square() / variance).mean(-1)  # back to the units of the loss
    torch.testing.assert_close((error * hide).sum(1) / hide.sum(1), out.parts["mae"], rtol=1e-3, atol=1e-5)
    mean = patchify(found.mean, 4)
    torch.testing.assert_close(mean[hide], target.mean(-1, keepdim=True).expand_as(target)[hide])


def test_a_method_that_paints_nothing_is_refused() -> None:
    monitor = reconstruction.build(Config(), "reconstruction", None, 1)
    with pytest.raises(UserError, match="paints nothing"):
        monitor.measure(Painting(None), NOTHING)
