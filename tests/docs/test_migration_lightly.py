"""docs/migrate/lightly.md: every block is run in order beside lightly 1.6, on small images, for an epoch; both networks give the same numbers."""

from __future__ import annotations

import importlib
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import torch
from docs.migration_lightly import PAGE

from tests.coverage.command_line import vesalius
from tests.data.server import serve
from tests.recipes.tiny import images

SMALL = {"EPOCHS, SIDE = 100, 64": "EPOCHS, SIDE = 1, 16", "224, 224": "24, 24"}
"""What is not the page's own here, beside the address of READ_URL."""


def test_every_block_of_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VESALIUS_RUNS", str(tmp_path / "runs"))
    monkeypatch.setattr(importlib.import_module("vesalius.report"), "build", lambda runs, *_: runs[0] / "report.html")  # tested by itself
    images(tmp_path / "images", 52)
    known: dict[str, Any] = {"__name__": PAGE.name}
    page = PAGE.read_text()
    for words in SMALL:
        assert words in page
    with serve(tmp_path) as served:
        for language, block in re.findall(r"^```(\w+)\n(.*?)^```", page, re.MULTILINE | re.DOTALL):
            if language == "bash":
                for line in block.splitlines():
                    done = vesalius(*shlex.split(line)[1:])
                    assert done.code == 0, f"{line}\n{done.said}"
                continue
            for words, small in {**SMALL, "https://my-checkpoint_read-url": f"{served.url}checkpoint.ckpt?signature=1"}.items():
                block = block.replace(words, small)
            exec(compile(block, PAGE.name, "exec"), known)
    assert known["out"].shape == (16, 10)
    assert len(Path("selected.txt").read_text().split()) == 50
    runs = known["client"].get_compute_worker_runs()
    assert [run.state for run in runs] == ["COMPLETED"] * 7
    assert [run.created_at for run in runs] == sorted(run.created_at for run in runs)
    assert len(torch.load("artifacts/checkpoint.ckpt")["state_dict"]) == 139
    model, encoder, x = known["load_checkpoint"]("artifacts/checkpoint.ckpt").eval(), known["encoder"], known["image_batch"]
    with torch.no_grad():
        torch.testing.assert_close(encoder(x).pooled, model(x), rtol=1e-5, atol=1e-5)
