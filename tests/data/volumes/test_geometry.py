from __future__ import annotations

import json
from typing import Any

import nibabel
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from tests.volumes import head
from vesalius.data.plan import Plan
from vesalius.data.readers.volume_parts import Volume
from vesalius.data.volumes.geometry import Geometry, labels_onto_source, onto_source, taken
from vesalius.data.volumes.orientation import axes_of

SHAPE = (10, 12, 9)
SPACING = (2.0, 1.5, 3.0)
IMAGE, LABELS, AFFINE = head(SHAPE, spacing=SPACING)
EVERY = ["RAS", "LPS", "LAS", "PIR", "SAL", "ARI", "ILP"]


def stored_as(values: NDArray[np.generic], axes: str) -> Volume:
    """The head as a file whose axes point to ``axes``."""
    orientations = nibabel.orientations
    turn = orientations.ornt_transform(orientations.axcodes2ornt("RAS"), orientations.axcodes2ornt(axes))
    return Volume(orientations.apply_orientation(values, turn), AFFINE @ orientations.inv_ornt_aff(turn, values.shape))


def to_plan(volume: Volume, plan: Plan, *, labels: bool = False) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """``volume`` turned and resampled as ``plan`` says, and its affine; nothing is cut away."""
    geometry = Geometry.of(volume.affine, volume.values.shape, plan)
    return taken(volume.values, geometry, labels=labels), geometry.stored_affine


@pytest.mark.parametrize("axes", EVERY)
def test_axes_are_turned_without_a_change(axes: str) -> None:
    volume = stored_as(IMAGE, axes)
    assert axes_of(volume.affine) == axes
    values, affine = to_plan(volume, Plan())
    assert np.array_equal(values, IMAGE)
    assert values.dtype == IMAGE.dtype
    assert values.flags.c_contiguous
    assert np.allclose(affine, AFFINE)
    native, own = to_plan(volume, Plan(orientation="native"))
    assert np.array_equal(native, volume.values)
    assert np.array_equal(own, volume.affine)


def test_any_orientation_may_be_asked_for() -> None:
    for axes in EVERY:
        values, affine = to_plan(
            Volume(IMAGE, AFFINE), Plan.model_construct(**{**Plan().model_dump(), "orientation": axes})
        )
        assert np.array_equal(values, stored_as(IMAGE, axes).values)
        assert np.allclose(affine, stored_as(IMAGE, axes).affine)


@pytest.mark.parametrize("axes", ["RAS", "PIR", "LAS"])
@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.3), (1.3, 1.1, 2.0), (0.7, 1.5, 2.9)])
def test_smaller_voxels_are_monais(axes: str, spacing: tuple[float, float, float]) -> None:
    from monai.data import MetaTensor
    from monai.transforms import Orientation, Spacing

    for source, labels, mode in ((IMAGE.astype(np.float32), False, "bilinear"), (LABELS, True, "nearest")):
        volume = stored_as(source, axes)
        file = MetaTensor(
            torch.from_numpy(np.ascontiguousarray(volume.values).astype(np.float32))[None],
            affine=torch.from_numpy(volume.affine),
        )
        theirs = Spacing(spacing, mode=mode, padding_mode="border")(
            Orientation("RAS", labels=(("L", "R"), ("P", "A"), ("I", "S")))(file)
        )
        ours, affine = to_plan(volume, Plan(spacing=spacing), labels=labels)
        assert ours.shape == tuple(theirs.shape[1:])
        assert np.allclose(affine, theirs.affine)
        if not labels:
            assert np.abs(ours - theirs[0].numpy()).max() < 1e-3
            continue
        # A place halfway between two voxels is rounded by float32 there and upwards here.
        whole = [np.arange(side) * new / old for side, new, old in zip(ours.shape, spacing, SPACING, strict=True)]
        clear = np.ix_(*(np.abs(places % 1 - 0.5) > 1e-6 for places in whole))
        assert np.array_equal(ours[clear], theirs[0].numpy()[clear])


def test_larger_voxels_are_means_of_what_they_cover_where_monai_leaves_slices_out() -> None:
    from monai.data import MetaTensor
    from monai.transforms import Spacing

    noise = np.random.default_rng(0).normal(0, 1, (24, 24, 41)).astype(np.float32)
    line = np.zeros_like(noise)
    line[:, :, 21] = 10  # a vessel in one thin slice

    def both(values: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        theirs = Spacing((1.0, 1.0, 2.0), mode="bilinear", padding_mode="border")(
            MetaTensor(torch.from_numpy(values)[None], affine=torch.eye(4))
        )
        ours, _ = to_plan(Volume(values, np.eye(4)), Plan(spacing=(1, 1, 2)))
        assert ours.shape == tuple(theirs.shape[1:])
        return ours, theirs[0].numpy()

    ours, theirs = both(line)
    assert theirs.max() < 1e-6, "every second slice is left out"
    assert ours.sum() * 2 == pytest.approx(line.sum(), rel=0.15)
    ours, theirs = both(noise)
    assert theirs.std() == pytest.approx(1, abs=0.02)
    assert ours.std() == pytest.approx(0.644, abs=0.02)
    constant, _ = both(np.full_like(noise, 7))
    assert np.allclose(constant, 7)


@pytest.mark.parametrize("axes", ["RAS", "PIR", "SAL"])
@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.3), (3.5, 1.5, 4.0)])
def test_values_stay_where_they_were_in_space(axes: str, spacing: tuple[float, float, float]) -> None:
    """A ramp over space is the same ramp at every stored voxel but those at the ends, also after a crop, and back."""
    slope = np.array([3.0, -2.0, 1.5])

    def ramp(affine: NDArray[np.float64], shape: tuple[int, ...]) -> NDArray[np.float64]:
        voxels = np.indices(shape).reshape(3, -1)
        return np.asarray((slope @ (affine[:3, :3] @ voxels + affine[:3, 3:])).reshape(shape))

    file = stored_as(np.zeros((30, 36, 27), np.uint8), axes)
    source = ramp(file.affine, file.values.shape).astype(np.float32)
    whole = Geometry.of(file.affine, source.shape, Plan(spacing=spacing))
    part = whole.cropped((2, 3, 2), (12, 14, 9)).cropped((1, 1, 1), (9, 10, 8))
    assert part.origin == (3, 4, 3)
    assert part.spacing == pytest.approx(spacing)
    assert np.allclose(taken(source, part), ramp(part.stored_affine, part.stored), atol=2e-3)
    back = onto_source(torch.from_numpy(taken(source, whole))[None], whole)[0].numpy()
    inner = tuple(slice(4, -4) for _ in range(3))
    assert np.allclose(back[inner], source[inner], atol=2e-3)


@pytest.mark.parametrize("axes", EVERY)
def test_labels_come_back_to_their_own_voxels(axes: str) -> None:
    volume = stored_as(LABELS, axes)
    for spacing in (None, (1.0, 0.75, 1.5)):
        geometry = Geometry.of(volume.affine, volume.values.shape, Plan(spacing=spacing))
        stored = taken(volume.values, geometry, labels=True)
        back = onto_source(torch.from_numpy(stored.astype(np.int32))[None], geometry)[0].numpy()
        assert np.array_equal(back, volume.values)
        likely = torch.nn.functional.one_hot(torch.from_numpy(stored.astype(np.int64))).permute(3, 0, 1, 2).float()
        assert np.array_equal(labels_onto_source(likely, geometry), volume.values)


def test_what_was_cut_away_is_background(monkeypatch: pytest.MonkeyPatch) -> None:
    volume = stored_as(IMAGE, "PIR")
    geometry = Geometry.of(volume.affine, volume.values.shape, Plan(spacing=(1.5, 1.0, 2.0))).cropped(
        (2, 3, 4), (6, 7, 5)
    )
    likely = (
        torch.rand(3, 6, 7, 5, generator=torch.Generator().manual_seed(0))
        * torch.tensor([0.1, 1.0, 1.0])[:, None, None, None]
    )
    back = onto_source(likely, geometry, outside=torch.tensor([1.0, 0.0, 0.0]))
    assert tuple(back.shape) == (3, *volume.values.shape)
    monkeypatch.setattr("vesalius.data.volumes.geometry._AT_ONCE", 400)  # a few planes at a time
    labels = labels_onto_source(likely, geometry)
    assert np.array_equal(labels, back.argmax(0).numpy())
    assert 0 < np.count_nonzero(labels) < labels.size // 2
    inside = np.argwhere(labels)
    stored = (
        np.linalg.inv(geometry.stored_affine) @ np.array(geometry.affine) @ np.c_[inside, np.ones(len(inside))].T
    )[:3].T
    assert (stored > -0.51).all()
    assert (stored < np.array(geometry.stored) - 0.49).all()


def test_a_geometry_is_written_and_read_back() -> None:
    geometry = Geometry.of(stored_as(IMAGE, "PIR").affine, (12, 9, 10), Plan(spacing=(1, 1, 1))).cropped(
        (1, 2, 3), (4, 5, 6)
    )
    assert Geometry.from_dict(json.loads(json.dumps(geometry.as_dict()))) == geometry


def test_numbers_stay_whole_where_half_a_unit_is_nothing() -> None:
    plan = Plan(spacing=(1, 1, 1))
    assert to_plan(Volume(IMAGE, AFFINE), plan)[0].dtype == np.int16
    few, _ = to_plan(Volume(LABELS, AFFINE), plan)
    assert few.dtype == np.float32
    assert few.max() <= 3
    exact, _ = to_plan(Volume(IMAGE.astype(np.float32), AFFINE), plan)
    assert np.abs(to_plan(Volume(IMAGE, AFFINE), plan)[0] - exact).max() <= 0.5


def test_a_header_in_single_precision_is_not_resampled() -> None:
    affine = np.diag(np.float32([0.8, 0.8, 5.0, 1.0]).astype(np.float64))
    values, _ = to_plan(Volume(IMAGE, affine), Plan(spacing=(0.8, 0.8, 5.0)))
    assert np.array_equal(values, IMAGE)
