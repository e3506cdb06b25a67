"""`recipes show --views`: a picture is written, of every kind of image, for every way to name the views."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from tests.recipes.tiny import VIEWS, images, tiny
from tests.volumes import write_tree
from vesalius.errors import UserError
from vesalius.recipes.picturing import picture, views_of
from vesalius.terminal import Terminal

QUIET = Terminal(quiet=True)


def shown(name: str, data: Path, tmp_path: Path, count: int = 3) -> np.ndarray:
    out = picture(name, str(data), tmp_path / "deep" / "views.png", count, QUIET)
    with Image.open(out) as opened:
        opened.load()
        assert opened.format == "PNG"
        return np.asarray(opened.convert("RGB"))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", ["demo", "cifar10-simclr", "CIFAR10BYOL", "simclr", "plain"])
def test_a_picture_is_written(name: str, channels: int, tmp_path: Path) -> None:
    found = shown(name, images(tmp_path / "set", 4, channels), tmp_path)
    assert found.std() > 10, "noise, not an empty sheet"
    if channels == 1 and name in ("demo", "plain"):
        grey = found.reshape(-1, 3)
        assert (np.ptp(grey.astype(int), axis=1) < 40).mean() > 0.9


def test_more_images_make_a_larger_picture(tmp_path: Path) -> None:
    data = images(tmp_path / "set", 8)
    assert shown("plain", data, tmp_path, 8).size > shown("plain", data, tmp_path, 2).size


def test_an_unreadable_image_does_not_prevent_it(tmp_path: Path) -> None:
    data = images(tmp_path / "set", 3)
    (data / "0001.png").write_bytes(b"no image")
    assert shown("plain", data, tmp_path).size


def test_files_of_recipes_and_of_views(tmp_path: Path) -> None:
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(tiny("x")))
    (tmp_path / "bare.yaml").write_text(yaml.safe_dump({"data": {"train": "x"}, "steps": 1}))
    (tmp_path / "views.yaml").write_text(yaml.safe_dump(VIEWS))
    assert views_of(str(tmp_path / "recipe.yaml")) == VIEWS
    assert views_of(str(tmp_path / "bare.yaml")) == "simclr"
    assert views_of(str(tmp_path / "views.yaml")) == str(tmp_path / "views.yaml")
    data = images(tmp_path / "set", 3)
    for name in ("recipe", "views"):
        assert shown(str(tmp_path / f"{name}.yaml"), data, tmp_path).size


def test_no_image_at_all_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="--count is 0"):
        picture("demo", str(images(tmp_path / "set", 3)), tmp_path / "x.png", 0, QUIET)


@pytest.mark.parametrize(
    ("groups", "tiles"),
    [
        ({"clean": {"size": 16}, "corrupted": {"count": 2, "size": 16, "operations": [{"paint": {"inside": {"size": [3, 8]}}}]}}, 3 + 3),
        ({"global": {"size": 16, "operations": ["flip", {"token_mask": {"patch": 8}}]}}, 1 + 1 + 1 + 1),
    ],
)
def test_volumes_are_shown_in_three_planes_with_their_labels(groups: dict[str, object], tiles: int, tmp_path: Path) -> None:
    """What was read, or the clean patch; every view; without its hidden patches; the labels of each view."""
    data = write_tree(tmp_path / "heads", 2, side=20)
    (tmp_path / "views.yaml").write_text(yaml.safe_dump({"dims": 3, "shared": ["patch"], **groups}))
    found = shown(str(tmp_path / "views.yaml"), data, tmp_path)
    tile = (found.shape[0] + 2) / 6
    assert found.shape[1] + 2 == tiles * tile
    assert all(found[:, int(i * tile) : int((i + 1) * tile) - 2].std() > 10 for i in range(tiles))


def test_views_of_volumes_for_images_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="ct-mae makes views of volumes, and the data given are images"):
        shown("ct-mae", images(tmp_path / "set", 3), tmp_path)
    with pytest.raises(UserError, match="mae makes views of images, and the data given are volumes"):
        shown("mae", write_tree(tmp_path / "heads", 2, side=20), tmp_path)
