from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.report import fake_run
from vesalius.encoders import build_encoder, save_encoder
from vesalius.report import build, use
from vesalius.report.reading import read_run


@pytest.mark.parametrize("name", ["run", "it's a run", "runs/deep"])
def test_the_three_lines_run_as_they_stand(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder = fake_run.full(items=60, steps=48, test=100).write(tmp_path / name)
    encoder = build_encoder("resnet18", channels=1, size=(32, 32), width=0.125)
    save_encoder(encoder, folder)
    run = read_run(folder)
    lines = use.lines(run)
    assert len(lines) == 3
    names: dict[str, object] = {}
    exec("\n".join(lines), names)
    vectors, loaded = names["vectors"], names["encoder"]
    assert isinstance(vectors, torch.Tensor)
    assert isinstance(loaded, torch.nn.Module)
    assert tuple(vectors.shape) == (8, encoder.card.dim)
    assert lines[2].endswith(f"# (8, {encoder.card.dim})")
    page = build([folder]).read_text()
    assert "vesalius.load_encoder(" in page
    assert str(tmp_path) not in page  # a page names no folder of the machine it was made on


def test_an_encoder_that_is_not_there_is_said(tmp_path: Path) -> None:
    folder = fake_run.single_metric().write(tmp_path / "run")
    (folder / "encoder.safetensors").unlink()
    assert "no weights" in use.section([read_run(folder)]).reason
    (folder / "encoder.json").unlink()
    assert "no encoder.json" in use.section([read_run(folder)]).reason
