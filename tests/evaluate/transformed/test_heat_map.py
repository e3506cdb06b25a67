from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image

from vesalius.evaluate.transformed.heat_map import FILE, METRIC, write
from vesalius.runs import Run


@pytest.mark.parametrize("encoders", [("own",), ("own", "other", "third")])
def test_every_encoder_has_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoders: tuple[str, ...]) -> None:
    monkeypatch.setenv("VESALIUS_RUNS", str(tmp_path / "runs"))
    run = Run.create("evaluate", "x", {}, device="cpu")
    metrics = (METRIC, f"{METRIC}@rotation", f"{METRIC}@blur", "mahalanobis")
    cells = [{"encoder": encoder, "data": "bach", "metric": metric, "value": 0.5} for encoder in encoders for metric in metrics]
    assert write(run, cells, ["rotation", "blur"]) == FILE
    height = Image.open(io.BytesIO((run.path / FILE).read_bytes())).height
    write(run, [*cells, *({**cell, "encoder": "one more"} for cell in cells)], ["rotation", "blur"])
    assert Image.open(io.BytesIO((run.path / FILE).read_bytes())).height > height
