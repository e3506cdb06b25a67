"""docs/saliency.md: its commands are run in order on small images, and its tables are the code's."""

from __future__ import annotations

import importlib
import re
import shlex
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from PIL import Image

from tests import labelled
from tests.coverage.command_line import vesalius
from tests.test_docs import ROOT, blocks
from vesalius.encoders import build_encoder, save_encoder
from vesalius.evaluate.protocols.saliency import Config

PAGE = "docs/saliency.md"


def test_what_the_page_says_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VESALIUS_RUNS", str(tmp_path / "runs"))
    monkeypatch.setattr(importlib.import_module("vesalius.report"), "build", lambda runs, *_: runs[0] / "report.html")  # tested by itself
    labelled.encoder(tmp_path / "runs" / "first")
    save_encoder(build_encoder("timm:vit_tiny_patch16_224", channels=1, size=(16, 16), depth=1, embed_dim=24, patch_size=8), tmp_path / "runs" / "transformer")
    for file in ("scans/0.png", "scans/1.png", "images/a/0.png", "images/b/1.png", "images/b/2.png", "images/b/3.png", "sample_images/chexpert/one.jpg"):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.random.default_rng(len(file)).integers(0, 255, (20, 24), dtype=np.uint8)).save(tmp_path / file)
    run = 0
    for language, text in blocks(PAGE):
        if language == "python":
            exec(compile(text, PAGE, "exec"), {"__name__": PAGE})
            run += 1
            continue
        for line in text.splitlines():
            done = vesalius(*shlex.split(line)[1:], "--replicates", "100", "--device", "cpu")
            assert done.code == 0, f"{line}\n{done.said}"
            run += 1
    assert run == 6
    assert (tmp_path / "runs" / "looking" / "saliency" / "scans.png").is_file()


def test_its_tables_are_the_codes() -> None:
    page = (ROOT / PAGE).read_text()
    table = page.partition("## Fields")[2]
    rows = {name.replace("-", "_"): default for name, default in re.findall(r"^\| `--([\w-]+)` \| (.+?) \|", table, re.MULTILINE)}
    fields = Config.model_fields
    assert set(rows) == set(fields)
    assert all(f"{fields[name].default}" == rows[name].strip("`") for name in ("map", "window", "stride", "fill", "budget", "colours", "alpha"))
    maps = re.findall(r"^\| `([a-z-]+)` \| ", page, re.MULTILINE)
    assert set(get_args(fields["map"].annotation)) <= set(maps)
