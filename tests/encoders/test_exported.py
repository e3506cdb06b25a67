from __future__ import annotations

import pytest
import torch

from vesalius.encoders import Card
from vesalius.encoders.exported import standardise, standardised, without_paths


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("12 of 20 tensors from /home/smith/x.pth; missing a.b", "12 of 20 tensors from x.pth; missing a.b"),
        ("from ~/w/x.ckpt", "from x.ckpt"),
        ("C:\\Users\\me\\x.pth", "x.pth"),
        ("started from ../smith/x.pth", "started from x.pth"),
        ("images in data/smith/x.safetensors", "images in x.safetensors"),
        ("file:///home/u/x.pth", "x.pth"),
        ("see https://host.org/a/b.pth", "see https://host.org/a/b.pth"),
        ("1/2 and/or 3 / 4, Apache-2.0", "1/2 and/or 3 / 4, Apache-2.0"),
        ("timm:resnet18.a1_in1k", "timm:resnet18.a1_in1k"),
    ],
)
def test_paths_are_cut_and_nothing_else(text: str, left: str) -> None:
    card = without_paths(Card(architecture="resnet18", dim=4, trained_on=text, licence=text, notes=[text, "plain"]))
    assert (card.trained_on, card.licence, list(card.notes)) == (left, left, [left, "plain"])


def test_the_lines_do_what_the_encoder_does() -> None:
    card = Card(architecture="resnet18", dim=2, channels=2, mean=(0.1, 0.5), std=(0.2, 2.0))
    images = torch.rand(3, 2, 4, 5)
    expected = torch.stack([(images[:, 0] - 0.1) / 0.2, (images[:, 1] - 0.5) / 2.0], 1)
    torch.testing.assert_close(standardise(images, {"input": {"mean": [0.1, 0.5], "std": [0.2, 2.0]}}), expected)
    names = {"images": images, "torch": torch, "model": lambda x: x}
    exec("\n".join(standardised(card, "model")), names)
    torch.testing.assert_close(names["features"], expected)


def test_none_is_none() -> None:
    assert standardised(Card(architecture="a", dim=1), "net") == ("features = net(images)",)
    images = torch.rand(1, 1, 2, 2)
    assert standardise(images, {"input": {"mean": [], "std": []}}) is images
