"""The page on segmenting volumes: its commands and its code are run on small heads; its table and numbers are the code's."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.coverage.command_line import vesalius
from tests.segmented import PLAN, heads
from vesalius import registry
from vesalius.encoders import build_encoder, save_encoder
from vesalius.measures import segmentation

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "volume-segmentation.md").read_text(encoding="utf-8")
SMALL = ("--steps", "2", "--batch_size", "2", "--validate_every.steps", "2", "--device", "cpu", "--threads", "1", "--seeds", "[1]")


def test_the_commands_and_the_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    heads(tmp_path / "labelled", 4, 1, 1)
    (tmp_path / "scans").symlink_to(tmp_path / "labelled" / "imagesTr")
    encoder = build_encoder("monai:segresnet", channels=1, size=(16, 16, 16), init_filters=4, blocks_down=[1, 1])
    encoder.card = encoder.card.model_validate({**encoder.card.model_dump(), "plan": PLAN})
    save_encoder(encoder, tmp_path / "runs" / "encoder")
    for block in re.findall(r"^```bash\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL):
        for line in block.splitlines():
            words = shlex.split(line)[1:]
            few = () if words[0] != "finetune" else SMALL if "--twin" in words else SMALL[:-2]
            done = vesalius(*words, *few)
            assert done.code == 0, f"{line}\n{done.said}"
    assert len(list((tmp_path / "segmented").glob("*_seg.nii.gz"))) == 6
    known: dict[str, Any] = {}
    for text in re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL):
        exec(compile(text, "volume-segmentation.md", "exec"), known)
    assert any(name.startswith("encoder.") for name in known["tensors"])


def test_the_table_names_every_decoder() -> None:
    assert set(re.findall(r"^\| `([^`]+)`", PAGE, re.MULTILINE)) == {"decoder.name", *registry.names("decoders")}


def test_the_figure_of_the_tutorial_on_six_cases() -> None:
    """From easy to hard, each 0.029 less than the one before: three figures of the same answers."""
    easier = np.arange(6)
    both, background = 0.983 - 0.0288 * easier, 0.971 - 0.01 * easier
    million = 1_000_000
    pairs = zip(both, background, strict=True)
    found = np.array([[[round(b * million), million, million], [round((2 * c - b) * million), million, million]] for c, b in pairs])
    figures = segmentation.mean_of_running_means(found), segmentation.mean_dice(found, background=True), segmentation.mean_dice(found)
    assert figures == pytest.approx((0.947, 0.911, 0.876), abs=5e-4)
    assert all(f"{figure:.3f}" in PAGE for figure in figures)
