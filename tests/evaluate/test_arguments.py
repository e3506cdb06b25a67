"""The words of SSL_medicalimaging's scripts as fields of ours."""

from __future__ import annotations

import pytest

from vesalius.errors import UserError
from vesalius.evaluate.arguments import spread, translated
from vesalius.evaluate.verb import fields_of

COMPAT = {"compat": "ssl-medicalimaging"}


def test_several_data_sets_behind_one_word() -> None:
    assert spread(["--datasets", "bach", "chestx", "--model", "a", "--lr", "1"]) == ["--datasets", "bach", "--datasets", "chestx", "--model", "a", "--lr", "1"]
    assert fields_of(["--datasets", "bach", "chestx", "--model=byol"]) == {"datasets": ["bach", "chestx"], "model": ["byol"]}
    with pytest.raises(UserError, match="'5' is not understood"):
        fields_of(["--k", "4", "5"])


def test_arguments_of_what_looks_into_encoders() -> None:
    said = translated({"num_images": 20, "k": 5, "transform": "hue", "dataset": "bach", **COMPAT}, ["invariance"])
    assert said.fields == {"invariance.probes": 20, "invariance.settings": 5, "transform": "hue", **COMPAT}
    assert said.data == ["bach"]
    said = translated({"which_layer": "layer3", "max_iter": 3000, "clip": True, "lr": 0.1}, ["reconstruction"])
    assert said.fields == {"reconstruction.layer": "layer3", "reconstruction.iterations": 3000, "lr": 0.1}
    assert said.sentences == ["clip has no meaning here: what is written of a reconstruction is held in [0, 1]."]
    assert translated({"image_size": 224, **COMPAT}, ["perceptual-distance"]).fields == {"perceptual-distance.side": 224, **COMPAT}
    with pytest.raises(UserError, match=r"--image-1 is the original's; here pairs of images are compared by folders"):
        translated({"image_1": "a.png"}, ["perceptual-distance"])


def test_k_is_the_originals_number_of_settings_under_compat_alone() -> None:
    assert translated({"k": 5}, ["invariance"]).fields == {"k": 5}
    assert translated({"k": "None", "transform": "h_flip", **COMPAT}, ["invariance"]).fields == {"transform": "h_flip", **COMPAT}
    assert translated({"k": 5, **COMPAT}, ["knn"]).fields == {"k": 5, **COMPAT}
    assert translated({"transform": "multi_view", **COMPAT}, ["multiview-invariance"]).fields == COMPAT


def test_saliency_has_the_originals_size_by_itself() -> None:
    said = translated({"image_size": 242, **COMPAT}, ["saliency"])
    assert said.fields == COMPAT
    assert "18 pixels larger" in said.sentences[0]
    assert translated({"image_size": 242}, ["saliency"]).fields == {"image_size": 242}


def test_protocols_with_a_space_between_are_told_how_they_are_written() -> None:
    with pytest.raises(UserError, match=r"one word with commas and no spaces: give them as PROTOCOL,knn\."):
        spread(["knn", "--seed", "3"])
