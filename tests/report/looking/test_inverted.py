"""The section of reconstructions: each image beside every encoder's picture, filmstrips, the curve of the error."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.report import fake_evaluation
from vesalius import figures
from vesalius.report import build, gradual
from vesalius.report.evaluations import of
from vesalius.report.looking import inverted
from vesalius.report.reading import RunRecord, read_run


def write(folder: Path, encoders: tuple[str, ...] = ("ours", "<b>other</b>"), images: int = 6) -> Path:
    found: dict[str, Any] = fake_evaluation.results(encoders, ("a",), ("rank",))
    for name in ("rank", "controls", "leakage", "ranks", "correlations"):
        found.pop(name, None)
    rng, rows, cells, curves, chosen = np.random.default_rng(1), [], [], [], []
    for place, name in enumerate(encoders):
        where = {"encoder": name, "data": "a"}
        for number in range(images):
            files = {part: f"p/{place}/{number}.{part}.png" for part in ("image", "original", "strip")}
            (folder / "p" / str(place)).mkdir(parents=True, exist_ok=True)
            for part, file in files.items():
                shape = (40, 300, 3) if part == "strip" else (40, 40, 3)
                (folder / file).write_bytes(figures.png(rng.integers(0, 256, shape, dtype=np.uint8)))
            for seed in (1, 2):
                scores = {"feature_error": 0.1 * (place + 1), "psnr": 20.0, "ssim": 0.5}
                rows.append({**where, "id": f"{number:016x}", "layer": "map", "seed": seed, **files, **scores})
        cell = {"n": images, "units": images, "unit": "images", "low": None, "high": None, "margin": None, "spread": None, "repeats": 2}
        cells.append({**where, **cell, "metric": "feature_error", "primary": True, "value": 0.1 * (place + 1)})
        curves += [{**where, "metric": "feature_error", "x": x, "value": 3 / x, "low": 2 / x, "high": 4 / x} for x in (1, 10, 100)]
        facts = {"layer": "map", "module": "layer4", "layer_shape": [32, 2, 2], "size": [40, 40], "generator_parameters": 2606763, "iterations": 100}
        chosen.append({**where, **facts, "seconds_per_image": 12.5})
    own = {"cells": cells, "pictures": rows, "chosen": chosen, "curves": curves, "absent": [], "ties": [], "differences": [], "rule": "How."}
    found |= {"protocols": ["reconstruction"], "reconstruction": own, "title": "Found again"}
    return fake_evaluation.write(folder, found)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunRecord:
    return read_run(write(tmp_path_factory.mktemp("inverted") / "run"))


def test_every_image_stands_beside_each_encoders_picture_of_the_first_seed(run: RunRecord) -> None:
    (block,) = inverted.section([run], 3_000_000).blocks
    (found,) = block.parts["sets"]
    assert (len(found["images"]), len(found["more"])) == (4, 2)
    assert [tile["error"] for tile in found["images"][0]["tiles"]] == ["0.1", "0.2"]
    assert all(tile["picture"].address for image in found["images"] for tile in image["tiles"])
    assert (len(found["strips"]), found["left"]) == (8, 4)
    assert block.parts["seeds"] == 2
    assert block.parts["facts"]["rows"][0][:4] == ["ours", "map (layer4)", "32 × 2 × 2", "40 × 40"]


def test_the_error_falls_on_logarithmic_axes_and_in_this_section_alone(run: RunRecord) -> None:
    (chart,) = inverted.section([run], 3_000_000).blocks[0].parts["charts"]
    assert chart.x.log
    assert chart.y.log
    assert [len(line.points) for line in chart.lines] == [3, 3]
    assert not gradual.present(run)
    assert "inverted" in of(run)


def test_the_page_holds_it_with_names_as_text(run: RunRecord, tmp_path: Path) -> None:
    page = build([run.path], tmp_path / "page.html").read_text()
    assert "Images found again from features" in page
    assert "<b>other</b>" not in page
    assert page.count("data:image/") >= 6 * 3
