"""The commands and lines of docs/export.md are run: each gives the features of the encoder."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.coverage.command_line import vesalius
from vesalius.encoders import build_encoder, save_encoder
from vesalius.registry import names

PAGE = Path(__file__).resolve().parents[2] / "docs" / "export.md"


def test_every_line_of_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    encoder = build_encoder("resnet18", stem="standard", size=(64, 64), mean=(0.2, 0.45, 0.7), std=(0.15, 0.3, 0.6)).eval()
    save_encoder(encoder, tmp_path / "runs" / "mine")
    vit: dict[str, Any] = {"hidden_size": 24, "mlp_dim": 48, "num_heads": 2, "num_layers": 2}
    of_volumes = build_encoder("monai:vit", channels=1, size=(32, 32, 32), **vit).eval()
    save_encoder(of_volumes, tmp_path / "runs" / "volumes")
    resenc = build_encoder("resenc-l", channels=1, size=(32, 32, 32), features=[8, 16]).eval()
    save_encoder(resenc, tmp_path / "runs" / "resenc")
    worker = build_encoder("lightly-resnet9", width=0.25, size=(64, 64)).eval()
    save_encoder(worker, tmp_path / "runs" / "worker")
    known: dict[str, Any] = {}
    loaded, written = 0, []
    for language, text in re.findall(r"^```(\w+)\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL):
        if language == "bash":
            for line in text.splitlines():
                done = vesalius(*line.split()[1:])
                assert done.code == 0, f"{line}\n{done.said}"
                assert "largest difference" in done.said
                written.append(line.split("--to ")[1].split()[0])
            continue
        known.pop("features", None)
        with torch.no_grad():
            exec(compile(text, PAGE.name, "exec"), known)
        if "features" in known:
            with torch.no_grad():
                made = resenc if "resenc" in text else of_volumes if "volumes" in text else worker if "lightly" in text else encoder
                ours = made(known["images" if made in (encoder, worker) else "volumes"]).pooled
            assert (torch.as_tensor(known["features"]) - ours).abs().max() <= 1e-4 * ours.abs().max(), text
            loaded += 1
    assert sorted(written) == sorted(names("exports"))
    assert loaded == len(written)


def test_the_table_has_a_row_for_each_target() -> None:
    rows = re.findall(r"^\| `(\w+)` \|", PAGE.read_text(), re.MULTILINE)
    assert sorted(rows) == sorted(names("exports"))
