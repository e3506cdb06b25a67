from __future__ import annotations

from vesalius.evaluate.transformed.as_original import facts, warning


def test_the_warning_names_where_there_are_fewer_images_than_dimensions() -> None:
    enough = {"encoder": "own", "data": "bach", "samples": 1000, "dim": 128}
    (plain,) = warning([enough])
    assert "fewer images than dimensions" not in plain
    (text,) = warning([enough, {**enough, "data": "stoic", "dim": 2048}])
    assert "fewer images than dimensions" in text
    assert "stoic" in text
    assert text.endswith("Leave compat out for held-out images.")


def test_the_estimate_says_where_it_stands() -> None:
    found = facts("invariance/own", 138, 1024)
    assert (found["samples"], found["dim"]) == (138, 1024)
    assert found["files"] == ["invariance/own/mean_feature.safetensors", "invariance/own/feature_cov_matrix.safetensors"]
