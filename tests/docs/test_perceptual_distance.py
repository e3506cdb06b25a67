"""docs/perceptual-distance.md: its commands are run in order on small pictures, and its tables are the code's."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from tests import labelled
from tests.coverage.command_line import vesalius
from tests.evaluate.perceptual.random_networks import TRUE, written
from tests.test_docs import ROOT, blocks
from vesalius.evaluate.perceptual import distances
from vesalius.evaluate.protocols.perceptual_distance import Config

PAGE = "docs/perceptual-distance.md"


def test_what_the_page_says_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two steps of reconstruction, and mean differences in place of distances."""

    def apart(models: Any, originals: torch.Tensor, made: torch.Tensor, _: int) -> dict[str, torch.Tensor]:
        return dict.fromkeys(models, (originals - made).abs().mean((1, 2, 3)))

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VESALIUS_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setattr(distances, "loaded", lambda files, _: files)
    monkeypatch.setattr(distances, "apart", apart)
    written(tmp_path / "networks", monkeypatch)
    labelled.encoder(tmp_path / "runs" / "pretrained")
    for number in range(2):
        picture = Image.fromarray(np.random.default_rng(number).integers(0, 256, (70, 80), dtype=np.uint8))
        for file in (f"scans/{number}.png", f"sample_images/chexpert/{number}.jpg", f"reconstructed_images/moco-v2/moco-v2_True_{number}.jpg"):
            (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
            picture.save(tmp_path / file)
    run = 0
    for language, text in blocks(PAGE):
        if language == "python":
            known: dict[str, Any] = {}
            exec(compile(text, PAGE, "exec"), known)
            assert list(known["run"].scores.columns) == ["scans"]
            run += 1
            continue
        for line in text.splitlines():
            few = ("--reconstruction.iterations", "2") if "reconstruction," in line else ()
            done = vesalius(*shlex.split(line)[1:], *few)
            assert done.code == 0, f"{line}\n{done.said}"
            run += 1
    assert run == 4
    for name in ("distances", "again", "tree", "of_python"):
        assert {file.stem for file in (tmp_path / "runs" / name / "perceptual-distance").glob("*.csv")} == set(TRUE)


def test_the_tables_are_the_code_s() -> None:
    page = (ROOT / PAGE).read_text()
    rows = re.findall(r"^\| `(\S+\.pth)` \| `(\w+)` \| (\d+) MB", page, re.MULTILINE)
    assert rows == [(one.file, one.sha256, str(one.megabytes)) for one in TRUE.values()]
    assert set(re.findall(r"^\| `--(\w+)`", page, re.MULTILINE)) == {*Config.model_fields, "download"}
