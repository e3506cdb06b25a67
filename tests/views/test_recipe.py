from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import yaml

from tests.views.batches import ids, images, run, stored
from tests.views.volume_batches import Volumes, make, recipe
from vesalius import views
from vesalius.errors import UserError
from vesalius.views.operation import Window
from vesalius.views.recipe import known


def on_volumes(made):
    return make(made, Volumes.of([(20, 24, 36), (12, 30, 20)], made.channels))[0]


def test_named_recipes_exist():
    assert {"simclr", "byol", "cifar-simclr", "simclr-24", "cifar-innereye", "cifar-head", "grey-32", "plain"} <= set(views.names())


@pytest.mark.parametrize("name", views.names())
@pytest.mark.parametrize("channels", [1, 3])
def test_every_named_recipe_runs_and_its_config_makes_it_again(name, channels):
    made = views.load(name, channels)
    if made.dims == 3:
        made, apply = views.at_size(made, (16, 16, 32)), on_volumes
    else:
        side = max(size[0] for _, size in made.makes.values())
        apply = partial(run, pixels=stored(images(2, channels, side + 7, side + 20)))
    out = apply(made).views
    again = views.load(yaml.safe_load(yaml.safe_dump(made.config())), channels)
    assert again.config() == made.config()
    for group, view in apply(again).views.items():
        assert view.equal(out[group])
        assert tuple(view.shape[1:3]) == (2, channels)


def test_the_innereye_recipe_is_the_original():
    operations = views.load("cifar-innereye", 3).config()["global"]["operations"]
    by_name = {name: parameters for op in operations for name, parameters in op.items()}
    assert by_name["random_resized_crop"]["scale"] == [0.08, 1.0]
    assert by_name["random_resized_crop"]["ratio"] == pytest.approx([3 / 4, 4 / 3])
    assert by_name["colour_jitter"] == {"brightness": 0.8, "contrast": 0.8, "saturation": 0.8, "hue": 0.2, "p": 0.8}
    assert by_name["gaussian_blur"] == {"kernel": 3, "sigma": [0.1, 2.0], "p": 0.5}
    assert (by_name["greyscale"]["p"], by_name["horizontal_flip"]["p"]) == (0.2, 0.5)
    assert "normalise" not in by_name


def test_byols_views_are_unlike():
    made = views.load("byol", 3)
    draws = made.draw(0, 0, np.arange(64), ids(64), np.full((64, 2), 256))
    blurred = [draws.values[f"global/{i}-gaussian_blur/sigma"] > 0 for i in (4, 5)]
    assert blurred[0][0].all()
    assert not blurred[0][1].any()
    assert not blurred[1][0].any()
    assert 0 < blurred[1][1].mean() < 0.3
    assert not draws.values["global/6-solarise/on"][0].any()
    assert draws.values["global/6-solarise/on"][1].any()


def test_a_file_is_a_recipe(tmp_path):
    (tmp_path / "mine.yaml").write_text("a:\n  size: [8, 10]\n  operations: [resize]\n")
    assert dict(views.load(tmp_path / "mine.yaml", 1).makes) == {"a": (1, (8, 10))}
    assert dict(views.load(str(tmp_path / "mine.yaml"), 1).makes) == {"a": (1, (8, 10))}


def test_a_file_that_is_not_yaml_is_named(tmp_path):
    (tmp_path / "mine.yaml").write_text("a: [1,")
    with pytest.raises(UserError, match=r"mine.yaml is not YAML"):
        views.load(tmp_path / "mine.yaml", 1)


def group(*operations, **fields):
    return {"global": {"count": 2, "size": 8, "operations": list(operations), **fields}}


@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        ("simclrr", r"no views recipe 'simclrr'. Did you mean .*simclr"),
        ("gone.yaml", r"no views file gone.yaml"),
        ({}, r"no group of views"),
        ({"global": 3}, r"group 'global' there must be count, size and operations"),
        (group(cuont=3), r"no field 'cuont'. Did you mean count"),
        (group(count=0), r"count must be a whole number"),
        (group(size="big"), r"size must be a number of pixels"),
        (group("gausian_blur"), r"no operation 'gausian_blur'. Did you mean gaussian_blur"),
        (group({"gaussian_blur": {"sgima": [1, 2]}}), r"no parameter 'sgima'. Did you mean sigma"),
        (group({"gaussian_blur": {"sigma": [2, 1]}}), r"smaller number first"),
        (group({"gaussian_blur": {"p": 1.5}}), r"gaussian_blur: p = 1.5 cannot be used"),
        (group({"gaussian_blur": {"kernel": 4}}), r"odd number"),
        (group({"gaussian_blur": [1]}), r"must be a mapping"),
        (group(7), r"7 is not an operation"),
        (group({"solarise": {"views": [2]}}), r"solarise names view 2"),
        ({"global": {"count": 1, "size": 8, "operations": "resize"}}, r"must be a list"),
        (
            {"shared": ["random_crop"], "a": {"size": 8}, "b": {"size": 4}},
            r"random_crop is shared by groups of unlike sizes",
        ),
    ],
)
def test_mistakes_are_named(recipe, message):
    with pytest.raises(UserError, match=message) as caught:
        views.load(recipe, 3)
    assert "\n" not in str(caught.value)


def test_colours_need_one_or_three_channels():
    views.load(group({"colour_jitter": {"brightness": 0.4, "contrast": 0.4}}), 5)
    with pytest.raises(
        UserError, match=r"saturation or hue is defined for images of 1 or 3 channels, and these have 5"
    ):
        views.load("simclr", 5)


def test_every_operation_can_be_named_and_has_a_docstring():
    assert len(known()) >= 16
    for name, kind in known().items():
        assert kind.name == name
        assert kind.__doc__
        needed = {"mean": 0.5, "std": 0.5} if name == "normalise" else {}
        written = {name.replace("_", "-"): needed}
        if issubclass(kind, Window):
            views.load(recipe(shared=[written], count=1) if name != "tiles" else {"shared": [written], "g": {"count": 8, "size": [8, 8, 8]}}, 3)
        else:
            views.load(group(written) if 2 in kind.dims else recipe(written), 3)


@pytest.mark.parametrize(("height", "width"), [(32, 32), (45, 61), (20, 90), (300, 200)])
@pytest.mark.parametrize("enlarge", [1.0, 256 / 224])
def test_resize_crop_equals_torchvision(height, width, enlarge):
    from torchvision.transforms.v2 import functional as F

    pixels = stored(images(2, 3, height, width))
    made = views.resize_crop(28, 3, enlarge=enlarge)
    assert dict(made.makes) == {"image": (1, (28, 28))}
    want = F.center_crop(F.resize(pixels.data[:, 0] / 255, round(28 * enlarge), antialias=True), [28, 28])
    assert (run(made, pixels).views["image"][0] - want).abs().max() < 1e-5
