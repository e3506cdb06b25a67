"""InnerEye's augmentation files: every key read, merged with its default, put in order, and done as torchvision and SciPy do it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from scipy.ndimage import map_coordinates
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2 import functional as F

from tests.views.batches import CPU, ids, images, stored
from tests.views.innereye_files import DEFAULTS, ENCODER, HEAD
from vesalius import views
from vesalius.errors import UserError
from vesalius.views import bank, innereye
from vesalius.views.innereye_keys import KEYS


def leaves(tree: dict[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from leaves(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", value


def operations(text: str, channels: int = 1) -> list[Any]:
    return list(views.load(yaml.safe_load(text), channels).config()["global"]["operations"])


def test_the_table_has_every_key_with_its_default():
    assert {key.name: key.default for key in KEYS} == dict(leaves(DEFAULTS))


@pytest.mark.parametrize(
    ("text", "name", "count"), [(ENCODER, "radiograph-innereye-encoder", 2), (HEAD, "radiograph-innereye-head", 1)]
)
def test_the_named_recipes_are_equal_to_the_originals_files(text, name, count, tmp_path):
    file = tmp_path / "mine.yml"
    file.write_text(text)
    ours = views.load(name, 1).config()
    assert views.load(file, 1).config()["global"] == {**ours["global"], "count": 2}
    original = next(k for k, v in innereye.NAMED.items() if v == name)
    for word in (original, f"{original}.yaml", f"SSL/configs/{original}.yaml"):
        assert views.load(word, 1).config() == ours
    assert ours["global"]["count"] == count


def test_the_order_is_the_originals():
    names = [next(iter(step)) for step in operations(ENCODER)]
    assert names == [
        "affine", "random_resized_crop", "horizontal_flip", "gamma", "colour_jitter", "elastic", "centre_crop", "erasing", "noise",
    ]  # fmt: skip


def test_every_key_reaches_its_operation():
    found = {name: fields for step in operations(ENCODER) for name, fields in step.items()}
    assert found["affine"]["degrees"] == 180
    assert found["affine"]["shear"] == 40
    assert found["affine"]["shear_y"] == 0
    assert found["affine"]["outside"] == "black"
    assert found["random_resized_crop"] == {"scale": [0.4, 1.0], "ratio": [3 / 4, 4 / 3], "size": 256}
    assert found["gamma"] == {"scale": [0.5, 1.5], "p": 1.0, "range": "unit"}
    assert {k: found["colour_jitter"][k] for k in ("brightness", "contrast", "saturation", "hue", "p")} == {
        "brightness": 0.2, "contrast": 0.2, "saturation": 0.0, "hue": 0.0, "p": 1.0,
    }  # fmt: skip
    assert found["elastic"] == {"p": 0.4, "alpha": 34, "sigma": 4}
    assert found["erasing"] == {"p": 0.5, "scale": [0.15, 0.4], "ratio": [0.33, 3.0], "value": 0.0}
    assert found["noise"] == {"p": 0.5, "std": 0.05, "grey": True, "clamp": "own"}
    shifted = ENCODER.replace("max_horizontal_shift: 0.0, max_vertical_shift: 0.0", "max_horizontal_shift: 0.1, max_vertical_shift: 0.2")
    assert operations(shifted)[0]["affine"]["translate"] == [0.1, 0.2]


def test_without_augmentation_it_is_resized_and_cut():
    assert [next(iter(step)) for step in operations("preprocess: {resize: 100, center_crop_size: 64}")] == ["resize", "centre_crop"]
    made = views.load({"augmentation": {}}, 1)
    assert made.makes == {"global": (2, (224, 224))}


def test_a_group_without_keys_and_lists_for_tuples():
    text = "augmentation: {use_random_crop: True, gamma: , random_crop: {scale: [0.5, 1]}}"
    assert operations(text)[0]["random_resized_crop"]["scale"] == [0.5, 1.0]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("augmentation: {random_crop: {scal: (0.1, 1)}}", "augmentation.random_crop.scale"),
        ("augmentation: {use_gama_transform: True}", "augmentation.use_gamma_transform"),
        ("preprocess: {resize: 256}\nelastic_transform: {sigma: 4}", "augmentation.elastic_transform.sigma"),
        ("augmentation: {random_crop: 3}", "keys of its own"),
        ("augmentation: {use_random_crop: 1}", "True or False"),
        ("preprocess: {resize: 25.5}", "a whole number"),
        ("augmentation: {random_crop: {scale: 0.4}}", r"\(a, b\)"),
        ("augmentation: {random_crop: {scale: '(1.0, 0.4)'}}", "smaller first"),
        ("augmentation: {gaussian_noise: {std: high}}", "a number"),
        ("augmentation: {gaussian_noise: {p_apply: 2}}", "at most 1"),
        ("augmentation: {random_affine: {max_angle: true}}", "a number"),
    ],
)
def test_faults_are_one_paragraph(text, said):
    with pytest.raises(UserError, match=said) as error:
        views.load(yaml.safe_load(text), 1)
    assert "\n" not in str(error.value)
    assert "augmentation-files.md" in str(error.value)


def test_numbers_as_yaml_1_1_misreads_them():
    assert operations("augmentation: {add_gaussian_noise: True, gaussian_noise: {std: 1e-2}}")[-1]["noise"]["std"] == 0.01


def test_a_recipe_of_ours_is_not_taken_for_one_of_these(tmp_path):
    assert not innereye.recognised({"augmentation": {"size": 8, "operations": []}})
    assert views.of_innereye("simclr") is None
    assert views.of_innereye("cxr_ssl_encoder_augmentations.yaml") is not None
    assert views.load({"augmentation": {"size": 8, "operations": []}}, 1).makes == {"augmentation": (1, (8, 8))}


def test_label_smoothing_is_accepted_with_a_sentence():
    tree = yaml.safe_load("augmentation: {label_smoothing: {epsilon: 0.2}}")
    assert views.load(tree, 1)
    assert innereye.remarks(tree) == [innereye.UNUSED]
    assert innereye.remarks(yaml.safe_load(ENCODER)) == []


def one_by_one(image: np.ndarray, drawn: dict[str, np.ndarray], i: int) -> torch.Tensor:
    """One stored image (height, width, 8 bits) through the steps of the encoder's file, each by torchvision or SciPy, in order."""
    x = torch.from_numpy(image)[None].float() / 255
    angle, shear = float(drawn["affine/angle"][i]), [float(v) for v in drawn["affine/shear"][i]]
    x = F.affine(x, angle, [0, 0], 1.0, shear, interpolation=InterpolationMode.BILINEAR)
    top, left, height, width = (int(v) for v in drawn["random_resized_crop/box"][i])
    x = F.resized_crop(x, top, left, height, width, [64, 64], antialias=True)
    x = F.horizontal_flip(x) if drawn["horizontal_flip/on"][i] else x
    x = F.adjust_gamma(x.clamp(0, 1), float(drawn["gamma/gamma"][i]))
    for which in drawn["colour_jitter/order"][i]:
        if which < 2:
            adjust, factor = ((F.adjust_brightness, "brightness"), (F.adjust_contrast, "contrast"))[which]
            x = adjust(x, float(drawn[f"colour_jitter/{factor}"][i]))
    if drawn["elastic/alpha"][i] > 0:
        lines = [(np.arange(64) + t, np.arange(64) + left) for t, left in drawn["elastic/corner"][i].tolist()]
        dx, dy = (bank.window(4.0, *line, CPU).numpy() * float(drawn["elastic/alpha"][i]) for line in lines)
        y, z = np.mgrid[:64, :64].astype(float)
        x = torch.from_numpy(map_coordinates(x[0].numpy(), [y + dy, z + dx], order=1, mode="constant"))[None]
    x = F.center_crop(x, [56, 56])
    top, left, height, width = (int(v) for v in drawn["erasing/box"][i])
    x = F.erase(x, top, left, height, width, torch.zeros(1, 1, 1)) if height else x
    if drawn["noise/std"][i] > 0:
        noise = bank.slices(torch.from_numpy(drawn["noise/offset"][i : i + 1]), 56 * 56).view(1, 56, 56)
        x = (x + noise * float(drawn["noise/std"][i])).clamp(x.min(), x.max())
    return x


def test_the_whole_file_equals_its_steps_by_torchvision_and_scipy():
    """Mild angles, so that what differs on purpose (the edge of a turned image, anti-aliasing) stays out of the middle."""
    text = ENCODER.replace("resize: 256", "resize: 64").replace("center_crop_size: 224", "center_crop_size: 56")
    text = text.replace("max_angle: 180", "max_angle: 5").replace("max_shear: 40", "max_shear: 3")
    made = views.load(yaml.safe_load(text.replace("(0.4, 1.0)", "(0.8, 1.0)")), 1)
    n = 24
    smooth = F.gaussian_blur(images(n, 1, 72, 80), [9, 9], [2.0, 2.0]) * 0.6 + 0.2
    pixels = stored(smooth)
    draws = made.draw(0, 0, np.arange(n), ids(n), pixels.extents[:, 0].numpy())
    ours = made.apply(pixels, draws).views["global"][0]
    drawn = {key.split("/", 1)[1].partition("-")[2]: value[0] for key, value in draws.values.items()}
    apart = torch.stack([(ours[i] - one_by_one(pixels.data[i, 0, 0].numpy(), drawn, i)).abs() for i in range(n)])
    inner = apart[..., 8:-8, 8:-8]
    assert inner.mean() < 0.5 / 255
    assert inner.quantile(0.99) < 3 / 255


def test_resize_and_centre_crop_in_one_sampling_equal_the_two_steps():
    n = 6
    x = stored(images(n, 1, 300, 340))
    made = views.load({"preprocess": {"resize": 256, "center_crop_size": 224}}, 1)
    ours = made.apply(x, made.draw(0, 0, np.arange(n), ids(n), x.extents[:, 0].numpy())).views["global"][0]
    want = F.center_crop(F.resize(x.data[:, 0] / 255, 256, antialias=True), [224, 224])
    assert (ours - want).abs().max() < 1e-4
    crop = yaml.safe_load("augmentation: {use_random_crop: True, random_crop: {scale: '(0.4, 1.0)'}}")
    made = views.load(crop, 1)
    draws = made.draw(0, 0, np.arange(n), ids(n), x.extents[:, 0].numpy())
    boxes = draws.values["global/0-random_resized_crop/box"][0].astype(int).tolist()
    want = torch.stack(
        [F.center_crop(F.resized_crop(i, *box, [256, 256], antialias=True), [224, 224]) for i, box in zip(x.data[:, 0] / 255, boxes)]
    )
    assert (made.apply(x, draws).views["global"][0] - want).abs().max() < 1e-4


def test_a_file_that_is_not_there_and_one_that_is_no_mapping(tmp_path: Path):
    with pytest.raises(UserError, match="no views file"):
        views.load(tmp_path / "no.yaml", 1)
