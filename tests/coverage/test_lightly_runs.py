"""Lightly 10, 11, 16: what was run, where its checkpoint is, and the encoder as a plain network."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.coverage.command_line import DEBUG, Done, pretrain, vesalius


@pytest.fixture
def run(photographs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Done:
    monkeypatch.setenv("VESALIUS_RUNS", str(tmp_path / "runs"))
    return pretrain("CIFAR10SimCLR", tmp_path / "mine", "--local_dataset", str(photographs / "ten"), *DEBUG)


def test_runs_are_listed_and_fetched(run: Done) -> None:
    listed = vesalius("runs", "list")
    assert run.facts["id"] in "".join(listed.said.split())
    for reference in ("latest", run.facts["id"], str(run.folder)):
        shown = vesalius("runs", "show", reference)
        assert shown.code == 0, shown.said
        assert "state: done" in shown.said


def test_a_runs_checkpoint_is_found(run: Done) -> None:
    found = vesalius("runs", "checkpoint", "latest")
    assert found.code == 0, found.said
    assert list(Path(found.said.strip()).glob("*.safetensors"))
    missing = vesalius("runs", "checkpoint", "latest", "best-nothing")
    assert missing.code == 2
    assert "best-nothing" in missing.said


def test_the_encoder_is_a_plain_network(run: Done) -> None:
    import vesalius as package

    encoder = package.load_encoder(run.folder)
    assert isinstance(encoder, torch.nn.Module)
    assert encoder(torch.rand(16, 3, 32, 32)).pooled.shape == (16, 64)
