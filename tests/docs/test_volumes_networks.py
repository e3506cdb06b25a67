"""The page on networks of volumes: its code and its command are run on a small checkpoint of the tutorial's kind; its counts are the networks'."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.coverage.command_line import vesalius
from tests.encoders.layouts.volumes_of_others import SIDES, tutorial_best
from vesalius.encoders import known_names

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "volumes-networks.md").read_text(encoding="utf-8")


def test_the_code_of_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    tutorial_best(tmp_path)
    torch.manual_seed(0)
    known: dict[str, Any] = {}
    for text in re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL):
        exec(compile(text, "volumes-networks.md", "exec"), known)
    assert capsys.readouterr().out.startswith("161 of 161 tensors from best_model.pt")
    losses = known["losses"]
    assert losses[-1] < losses[0]
    assert all(p.grad is not None for p in known["network"].parameters() if p.requires_grad)
    assert known["logits"].shape == (2, 3, *SIDES)
    (line,) = re.findall(r"^```bash\n(.*?)\n```", PAGE, re.MULTILINE)
    done = vesalius(*line.split()[1:])
    assert done.code == 0, done.said
    exported = torch.load(tmp_path / "vit-for-monai" / "model.pt", weights_only=True)
    assert len(exported) == 161
    assert exported["patch_embedding.patch_embeddings.weight"].shape == (24, 1, 16, 16, 16)


def test_the_table_names_every_network_of_volumes() -> None:
    named = set(re.findall(r"^\| `([^`]+)`", PAGE, re.MULTILINE))
    assert {name for name in known_names() if name.startswith("monai:") or name == "resenc-l"} <= named
