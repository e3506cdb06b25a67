"""The sheet of transforms: a line for each, what is in a tile is what the transform makes."""

from __future__ import annotations

from io import BytesIO
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from vesalius.data.dataset import open_data, resolve
from vesalius.encoders import build_encoder
from vesalius.evaluate.transformed import sheet as sheets
from vesalius.evaluate.transformed.transforms import TRANSFORMS
from vesalius.features.records import store_for
from vesalius.terminal import Terminal


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("images")
    for n in range(2):
        Image.fromarray(np.random.default_rng(n).integers(0, 255, (20, 20), dtype=np.uint8)).save(folder / f"{n}.png")
    encoder = build_encoder("resnet18", width=0.0625, channels=1, size=(16, 16))
    table = resolve(str(folder), labels=False)
    data = open_data("some", table, store_for(encoder, table), Terminal(quiet=True))
    asked = SimpleNamespace(device=torch.device("cpu"), autocast=None, batch_size=8)
    return SimpleNamespace(data=data, asked=asked, encoder=SimpleNamespace(card=encoder.card, encoder=encoder))


def test_every_transform_has_a_line_with_its_parameters(pair, monkeypatch):
    seen: dict[str, Any] = {}
    monkeypatch.setattr(sheets.sheets, "grid", lambda pictures, titles, **more: seen.update(pictures=pictures, titles=titles, **more) or b"png")
    assert sheets.sheet(pair, 1, columns=3) == b"png"
    assert seen["titles"] == [one.title for one in TRANSFORMS.values()]
    assert [len(line) for line in seen["pictures"]] == [1 + min(3, len(one.parameters())) for one in TRANSFORMS.values()]
    assert seen["captions"][0] == ["as it is", "15°", "180°", "345°"]
    clean, flipped = seen["pictures"][5]
    assert np.array_equal(flipped, clean[:, ::-1])
    assert clean.shape == (16, 16, 3)


def test_it_is_a_picture(pair):
    found = Image.open(BytesIO(sheets.sheet(pair, 0, ("rotation", "hue"), compat=True, columns=5)))
    assert found.mode == "RGB"
    assert found.width > 6 * 96
    assert found.height > 2 * 96
