"""From a recipe to its parts: the size the encoder looks at, where it is not the views'."""

from pathlib import Path

import pytest

from tests.recipes.tiny import blobs, tiny
from vesalius import pretrain
from vesalius.errors import UserError


def test_the_encoder_may_look_at_larger_images_than_the_views(tmp_path: Path) -> None:
    given = tiny(blobs(tmp_path), examine=False)
    given["encoder"] = {**given["encoder"], "size": 20}
    run = pretrain(given, out=tmp_path / "run", quiet=True)
    assert run.encoder.card.size == (20, 20)
    assert run.encoder.card.preprocessing == [{"resize": {"shorter": 20}}, {"centre_crop": {}}]


@pytest.mark.parametrize("size", [0, -4, "large", 1.5, True])
def test_a_size_that_is_none_is_refused(size: object, tmp_path: Path) -> None:
    given = tiny(blobs(tmp_path), examine=False)
    given["encoder"] = {**given["encoder"], "size": size}
    with pytest.raises(UserError, match=r"encoder\.size is .* such as 32"):
        pretrain(given, out=tmp_path / "run", quiet=True)


def test_local_crops_that_the_network_cannot_take_are_named(tmp_path: Path) -> None:
    """Before the first step: a patch of 4 pixels does not divide a crop of 10."""
    given = tiny(blobs(tmp_path), method={"name": "dino", "hidden": 16, "dim": 8, "prototypes": 12})
    given["encoder"] = {"name": "timm:vit_tiny_patch16_224", "patch_size": 4, "depth": 1, "embed_dim": 24, "num_heads": 2}
    given["views"] = {**given["views"], "local": {"count": 2, "size": 10, "operations": ["random_resized_crop"]}}
    with pytest.raises(UserError, match=r"cannot take 1 channels of 10×10 pixels.* Choose another size"):
        pretrain(given, out=tmp_path / "run", quiet=True)
