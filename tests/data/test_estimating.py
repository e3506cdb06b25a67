from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.data.images import table_of, write_images
from vesalius.data.building import Sources
from vesalius.data.estimating import estimated_bytes
from vesalius.data.settings import StoreSettings


@pytest.mark.parametrize(("settings", "each"), [(StoreSettings(size="native", channels=3), 24 * 32 * 3), (StoreSettings(size="native", channels=1), 24 * 32)])
def test_headers_say_how_large_pixels_will_be(tmp_path: Path, settings: StoreSettings, each: int) -> None:
    names = list(write_images(tmp_path, 5))
    sources = Sources.of(table_of(tmp_path, names))
    assert estimated_bytes(sources, np.arange(5), settings) == 5 * each
    assert estimated_bytes(sources, np.arange(2), settings) == 2 * each


def test_what_is_no_image_is_taken_for_its_bytes(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"x" * 300)
    sources = Sources.of(table_of(tmp_path, ["a.png"]))
    assert estimated_bytes(sources, np.arange(1), StoreSettings(size="native", channels=1)) == 300
