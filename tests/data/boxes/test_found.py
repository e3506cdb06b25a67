from __future__ import annotations

import numpy as np

from vesalius.data.boxes.found import Found, Images

IMAGES = Images(["train/a.png", "val/a.png", "train/b.png", "c.jpg"])


def test_a_name_means_the_one_image_that_it_fits() -> None:
    assert IMAGES.named("train/a.png") == "train/a.png"
    assert IMAGES.named("a.png", "val") == "val/a.png"
    assert IMAGES.named("b.png") == "train/b.png"
    assert IMAGES.named(r".\train\b.png") == "train/b.png"
    assert IMAGES.named("/home/somebody/c.jpg") == "c.jpg"


def test_of_several_the_hint_decides_and_without_one_nothing_is_guessed() -> None:
    assert IMAGES.named("a.png") is None
    assert IMAGES.named("a.png", hints=["val"]) == "val/a.png"
    assert IMAGES.named("d.png") is None


def test_boxes_and_what_was_lost_are_kept_in_the_order_they_are_read() -> None:
    found = Found()
    found.add("c.jpg", [1, 2, 3, 4], "cell", float("nan"))
    found.lose("without an area", "c.jpg")
    found.lose("without an area", "d.jpg")
    assert (found.uris, list(found.sides[0]), found.names) == (["c.jpg"], [1, 2, 3, 4], ["cell"])
    assert np.isnan(found.scores[0])
    assert found.lost == {"without an area": ["c.jpg", "d.jpg"]}
