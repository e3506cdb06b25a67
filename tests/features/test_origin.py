"""What a result was computed from: digests of data and encoders, and what of them changed."""

from __future__ import annotations

from pathlib import Path

from tests.recipes.tiny import images
from vesalius.data.dataset import open_data, resolve
from vesalius.data.settings import StoreSettings
from vesalius.encoders import build_encoder
from vesalius.features.origin import origin, other
from vesalius.terminal import Terminal


def test_pixels_labels_and_weights_are_told_from_each_other(tmp_path: Path) -> None:
    folder, terminal = images(tmp_path / "images", 4), Terminal(quiet=True)

    def now(seed: int = 0) -> dict[str, object]:
        table = resolve(str(folder), least=1, terminal=terminal)
        data = open_data("images", table, StoreSettings(size=16, channels=3), terminal)
        return origin({"train": data, "later": table}, {"encoder": build_encoder("resnet18", width=0.0625, size=(16, 16), seed=seed)})

    first = now()
    assert other(first, now()) == []
    assert other(first, now(seed=1)) == ["the encoder encoder"]
    images(folder, 4, seed=1)
    assert other(first, now()) == ["the data set train (the images themselves)"]
    (folder / "0000.png").unlink()
    assert other(first, now())[0] == "the data set train (its ids, labels or splits, the images themselves)"
    assert other(first, {"data": {}, "encoders": {}}) == [], "what nobody says is not compared"
