"""Phantoms of known HU and labels through a source's plan and the store, voxel by voxel: window, orientation, labels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from tests.trees import btcv, phantoms, tcia
from vesalius.data.dataset import DataSet, open_data
from vesalius.data.plan import Plan
from vesalius.data.references import resolve
from vesalius.data.sources import btcv as btcv_source
from vesalius.data.sources import tcia_covid19_ct as tcia_source
from vesalius.terminal import Terminal

SHAPE = (48, 44, 10)
NUMBERS = (1, 2, 35, 36)


def opened(reference: str, plan: Plan) -> DataSet:
    return open_data(reference, resolve(reference), plan, Terminal(quiet=True))


def seen(data: DataSet, row: int) -> NDArray[np.float32]:
    """(x, y, z) what a network is given of the whole record."""
    window = np.stack([np.zeros(3, np.int64), data.store.extents[row]])[None, None]
    pixels = data.store.read(np.array([[row]]), window)
    values = pixels.data[0, 0, 0].float() * pixels.scale.reshape(-1)[0] + pixels.offset.reshape(-1)[0]
    return (values.clamp(0, 1) if pixels.clip else values).numpy()


def of(data: DataSet, name: str) -> int:
    """The record of the file whose path ends in ``name``."""
    at = next(n for n, uri in enumerate(data.table.frame["uri"]) if uri.endswith(name))
    return int(data.store.rows(data.table.ids[[at]])[0])


@pytest.mark.parametrize("axes", ["LAS", "RAS", "PIL"])
def test_voxels_as_they_are_but_turned_windowed_and_with_their_labels(axes: str, tmp_path: Path) -> None:
    root = btcv.write(tmp_path, NUMBERS, axes=axes, shape=SHAPE)
    plan = btcv_source.plan().model_copy(update={"spacing": None, "crop": False})
    data = opened(f"btcv@{root}:6", plan)
    for number in NUMBERS:
        values, labels, _ = phantoms.abdomen(SHAPE, number)
        row = of(data, f"img{number:04}.nii.gz")
        assert (data.store.mask(row) == labels).all()
        expected = np.clip((values.astype(np.float64) + 175) / 425, 0, 1)
        np.testing.assert_allclose(seen(data, row), expected, atol=1e-6)


def test_what_is_cut_away_is_air_alone(tmp_path: Path) -> None:
    root = btcv.write(tmp_path, NUMBERS, axes="LPS", shape=SHAPE)
    data = opened(f"btcv@{root}:6", btcv_source.plan().model_copy(update={"spacing": None}))
    values, labels, _ = phantoms.abdomen(SHAPE, 1)
    inside = np.argwhere(values > -175)
    box = tuple(slice(int(low), int(high) + 1) for low, high in zip(inside.min(0), inside.max(0), strict=True))
    row = of(data, "img0001.nii.gz")
    assert (data.store.mask(row) == labels[box]).all()
    np.testing.assert_allclose(seen(data, row), np.clip((values[box].astype(np.float64) + 175) / 425, 0, 1), atol=1e-6)


def test_the_tutorials_spacing_keeps_every_organ_where_it_is(tmp_path: Path) -> None:
    """1.5 x 1.5 x 2 mm: labels are never mixed, organs keep their place in mm, and their inside keeps its HU."""
    root = btcv.write(tmp_path, NUMBERS, axes="LAS", noise=0)
    data = opened(f"btcv@{root}:6", btcv_source.plan().model_copy(update={"crop": False}))
    _, labels, affine = phantoms.abdomen(seed=2, noise=0)
    row = of(data, "img0002.nii.gz")
    mask, windowed = data.store.mask(row), seen(data, row)
    assert mask is not None
    assert set(np.unique(mask)) == set(range(14))
    stored = np.asarray(data.store.geometry(row).stored_affine)
    assert np.allclose(np.diag(stored)[:3], (1.5, 1.5, 2.0))
    for organ, (hu, _, _) in phantoms.ORGANS.items():
        before = affine[:3, :3] @ np.argwhere(labels == organ).mean(0) + affine[:3, 3]
        after = stored[:3, :3] @ np.argwhere(mask == organ).mean(0) + stored[:3, 3]
        assert np.abs(after - before).max() < 1.5, organ
        core = ndimage.binary_erosion(mask == organ, np.ones((3, 3, 5)))
        if core.any():
            assert np.abs(windowed[core] - (hu + 175) / 425).max() < 1e-6, organ


def test_tcia_at_2_mm_in_the_tutorials_window(tmp_path: Path) -> None:
    root = tcia.write(tmp_path, tcia.NAMES[:3], noise=0)
    data = opened(f"tcia-covid19-ct@{root}", tcia_source.plan())
    assert np.allclose(data.store.spacing, 2)
    for row in range(3):
        windowed = seen(data, row)
        kinds = {hu: np.clip((hu + 57) / 221, 0, 1) for hu in (phantoms.FAT, phantoms.SOFT, phantoms.BONE)}
        for hu, expected in kinds.items():
            assert (np.abs(windowed - expected) < 1e-6).mean() > 0.005, hu
        assert (windowed.min(), windowed.max()) == (0, 1)
