from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from vesalius.evaluate.perceptual import cells, distances
from vesalius.evaluate.perceptual.sought import Made

Pairs = Callable[[str, list[str], float], list[Made]]
NETS: Any = {"one": None, "double": None}


@pytest.fixture(autouse=True)
def _mean_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    """In place of networks: the mean difference in grey levels, and twice that."""

    def apart(models: Any, originals: torch.Tensor, made: torch.Tensor, batch_size: int) -> dict[str, torch.Tensor]:
        assert len(originals) <= batch_size
        difference = 255 * (originals - made).abs().mean((1, 2, 3))
        return {"one": difference, "double": 2 * difference}

    monkeypatch.setattr(distances, "apart", apart)


@pytest.fixture
def pairs(tmp_path: Path) -> Pairs:
    def made(model: str, ids: list[str], away: float) -> list[Made]:
        found = []
        for number, name in enumerate(ids):
            for kind, level in (("original", 100), (model, round(100 + away + 5 * int(name)))):
                side = 64 if int(name) % 2 else 70
                Image.fromarray(np.full((side, side, 3), level, np.uint8)).save(tmp_path / f"{name}.{number}.{kind}.png")
            found.append(Made(model, "d", name, tmp_path / f"{name}.{number}.original.png", tmp_path / f"{name}.{number}.{model}.png"))
        return found

    return made


def test_each_networks_mean_and_the_mean_of_them_over_pictures_of_several_sizes(pairs: Pairs) -> None:
    ids = [str(n) for n in range(12)]
    found = cells.measured(pairs("m", ids, 3), {one: n for n, one in enumerate(ids)}, NETS, None, 400, 1)
    each = 3 + 5 * np.arange(12)
    assert list(found.values) == ["perceptual_distance", "perceptual_distance@one", "perceptual_distance@double"]
    assert found.values["perceptual_distance@one"].value == pytest.approx(each.mean(), abs=1e-4)
    assert found.values["perceptual_distance"].value == pytest.approx(1.5 * each.mean(), abs=1e-4)
    assert [row["perceptual_distance"] for row in found.pictures] == pytest.approx(1.5 * each, abs=1e-4)
    assert found.scored == (12, 12)
    assert found.facts == {"pairs": 12, "sizes": ["70 × 70", "64 × 64"]}
    spread = found.values["perceptual_distance@one"].replicates
    assert spread is not None
    assert float(spread.std()) == pytest.approx(each.std() / np.sqrt(12), rel=0.2)


def test_several_reconstructions_of_an_image_are_one_image(pairs: Pairs) -> None:
    found = cells.measured(pairs("m", ["1", "1", "1", "4"], 0), {"1": 0, "4": 1}, NETS, None, 400, 1)
    assert found.values["perceptual_distance@one"].value == pytest.approx((5 + 20) / 2, abs=1e-4)
    assert found.scored == (2, 2)
    assert len(found.pictures) == 4


def test_two_images_have_no_interval_nor_have_many_of_two_subjects(pairs: Pairs) -> None:
    two = cells.measured(pairs("m", ["1", "2"], 0), {"1": 0, "2": 1}, NETS, None, 400, 1)
    many = cells.measured(pairs("m", ["1", "2", "3", "4"], 0), {"1": 0, "2": 1, "3": 0, "4": 1}, NETS, None, 400, 1)
    unknown = cells.measured(pairs("m", ["1", "2", "3", "4"], 0), {str(n): n for n in range(1, 5)}, NETS, None, 0, 1)
    for found in (two, many, unknown):
        assert all(value.replicates is None for value in found.values.values())
    assert many.scored == (4, 2)


def test_models_are_paired_also_where_one_lacks_an_image(pairs: Pairs) -> None:
    """A constant difference stays constant in every replicate where both have all; the lacking image weighs nothing."""
    everyone = {str(n): n for n in range(8)}
    a, b = (cells.measured(pairs(name, list(everyone), away), everyone, NETS, None, 400, 1) for name, away in (("a", 10), ("b", 30)))
    lacking = cells.measured(pairs("c", [one for one in everyone if one != "3"], 10), everyone, NETS, None, 400, 1)
    one, other, less = (found.values["perceptual_distance@one"] for found in (a, b, lacking))
    assert one.replicates is not None
    assert other.replicates is not None
    assert less.replicates is not None
    torch.testing.assert_close(other.replicates - one.replicates, torch.full((400,), 20.0, dtype=torch.float64), atol=1e-4, rtol=0)
    assert less.value == pytest.approx(10 + 5 * (28 - 3) / 7, abs=1e-4)
    assert len(less.replicates) == 400
    assert lacking.scored == (7, 7)


def test_a_cells_key_changes_with_pixels_networks_and_fields(pairs: Pairs) -> None:
    some = pairs("m", ["1", "2"], 0)
    everyone = {"1": 0, "2": 1}
    first = cells.key(some, everyone, {"one": "a"}, "x")
    assert first == cells.key(some, everyone, {"one": "a"}, "x")
    others = [cells.key(some, everyone, {"one": "b"}, "x"), cells.key(some, {"1": 0, "2": 0}, {"one": "a"}, "x"), cells.key(some, everyone, {"one": "a"}, "y")]
    Image.fromarray(np.zeros((64, 64, 3), np.uint8)).save(some[1].made)
    others.append(cells.key(some, everyone, {"one": "a"}, "x"))
    assert len({first, *others}) == 5
