from __future__ import annotations

import numpy as np
from PIL import Image

from vesalius.evaluate.occluded import drawing


def test_pictures_are_named_by_the_id_and_a_sheet_has_room_for_what_is_missing(tmp_path):
    rng, rows = np.random.default_rng(0), []
    for encoder, ids in (("a", ("0f", "1e")), ("b", ("1e",))):
        for one in ids:
            folder = tmp_path / "saliency" / encoder / "data"
            folder.mkdir(parents=True, exist_ok=True)
            image, values = rng.integers(0, 255, (12, 16, 3), dtype=np.uint8), rng.random((12, 16), dtype=np.float32)
            files = drawing.written(folder, tmp_path, one, image, values, "viridis", 0.6)
            assert set(files.values()) == {f"saliency/{encoder}/data/{one}{end}" for end in (".png", ".npy", "-heat.png", "-overlay.png")}
            assert np.array_equal(np.load(tmp_path / files["map"]), values)
            assert np.array_equal(np.asarray(Image.open(tmp_path / files["image"])), image)
            heat = np.asarray(Image.open(tmp_path / files["heat"]), dtype=float)
            assert heat[np.unravel_index(values.argmax(), values.shape)].sum() > heat[np.unravel_index(values.argmin(), values.shape)].sum()
            rows.append({"encoder": encoder, "data": "data", "id": one, **files, "diffusion": 45.678})
    (found,) = drawing.sheets(tmp_path, rows, "viridis")
    assert found == {"data": "data", "file": "saliency/data.png"}
    with Image.open(tmp_path / found["file"]) as sheet:
        assert sheet.size[0] > 3 * 160
        assert sheet.size[1] > 2 * 120
    assert drawing.sheets(tmp_path, [], "viridis") == []
