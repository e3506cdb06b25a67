"""Transfer C2 and C3: SimCLR-v1 and BYOL as their authors published them, with neither TensorFlow nor jax."""

from __future__ import annotations

import pickle
import sys
import zipfile
from pathlib import Path

import pytest
import torch

from tests.coverage.command_line import vesalius
from tests.encoders.zoo import originals
from vesalius import load_encoder


@pytest.fixture(autouse=True)
def _narrow_and_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both models with two channels in their first stage, an empty cache, and nothing to import of the originals' libraries."""
    monkeypatch.setenv("VESALIUS_CACHE", str(tmp_path / "cache"))
    for name in ("simclr-v1", "byol"):
        family, model = originals.narrow(name)
        monkeypatch.setattr(family, "MODELS", {name: model})
    for library in ("tensorflow", "jax", "jaxlib", "haiku", "dill", "optax"):
        monkeypatch.setitem(sys.modules, library, None)


def equal(name: str, folder: Path | None = None) -> bool:
    """Whether the encoder prepared under its name, or in ``folder``, gives the original network's features."""
    encoder = load_encoder(folder or name)
    return originals.difference(originals.features(encoder, 64), originals.told(name)[64]) < 2e-6


def test_simclr_by_hand(tmp_path: Path) -> None:
    """C2: TensorFlow's checkpoint as it was published, unpacked, and by its prefix; and what the converter made of it."""
    zipped = originals.checkpoint("simclr-v1", tmp_path)
    with zipfile.ZipFile(zipped) as archive:
        for member in archive.namelist():
            archive.extract(member, tmp_path)
    given = (zipped, tmp_path / "ResNet50_1x", tmp_path / "ResNet50_1x" / "model.ckpt-225206")
    for i, path in enumerate(given):
        done = vesalius("models", "prepare", "simclr-v1", "--file", str(path), "--out", str(tmp_path / f"out{i}"))
        assert done.code == 0, done.said
        assert equal("simclr-v1", tmp_path / f"out{i}" / "simclr-v1")
    own = load_encoder(tmp_path / "out0" / "simclr-v1")
    torchs = {**own.network.state_dict(), "fc.weight": torch.zeros(10, 64), "fc.bias": torch.zeros(10)}
    torch.save({"state_dict": torchs}, tmp_path / "resnet50-1x.pth")
    done = vesalius("models", "prepare", "simclr-v1", "--file", str(tmp_path / "resnet50-1x.pth"))
    assert done.code == 0, done.said
    assert equal("simclr-v1")
    card = load_encoder("simclr-v1").card
    assert (card.mean, card.std) == ((), ())


class Wicked:
    def __reduce__(self) -> tuple[object, ...]:
        return (exec, ("open('ran', 'w')",))


def test_byol_s_pickle_runs_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """C3: the published container gives Haiku's features; one that would run code is refused and leaves nothing."""
    monkeypatch.chdir(tmp_path)
    done = vesalius("models", "prepare", "byol", "--file", str(originals.checkpoint("byol", tmp_path)))
    assert done.code == 0, done.said
    assert equal("byol")
    assert load_encoder("byol").card.mean == (0.485, 0.456, 0.406)
    Path("wicked.pkl").write_bytes(pickle.dumps({"experiment_state": Wicked()}, protocol=2))
    done = vesalius("models", "prepare", "byol", "--file", "wicked.pkl", "--out", "out")
    assert done.code == 2
    assert "wicked.pkl was refused: it asks for" in done.said
    assert "exec" in done.said
    assert not Path("ran").exists()
    assert not Path("out").exists()
