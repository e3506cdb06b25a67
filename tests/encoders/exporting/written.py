"""An export made and used as its README says: the lines of its code block are run inside its folder."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from vesalius.encoders import Encoder
from vesalius.export import ExportResult, export

MEAN, STD = (0.2, 0.45, 0.7), (0.15, 0.3, 0.6)
"""Far apart, so that features without standardisation are others."""


def used(folder: Path, images: Tensor, monkeypatch: pytest.MonkeyPatch) -> Tensor:
    """``features`` after the README's lines."""
    (code,) = re.findall(r"```python\n(.*?)```", (folder / "README.md").read_text(), re.DOTALL)
    names: dict[str, Any] = {"images": images}
    with monkeypatch.context() as inside, torch.no_grad():
        inside.chdir(folder)
        exec(compile(code, "README.md", "exec"), names)
    return torch.as_tensor(names["features"])


def checked(encoder: Encoder, to: str, folder: Path, monkeypatch: pytest.MonkeyPatch, count: int = 4) -> ExportResult:
    """Export, then use the README on uniform noise, other images than the verb's own: features are ours to 1e-4."""
    result = export(encoder, to=to, out=folder / to, quiet=True)
    images = torch.rand(count, encoder.card.channels, *encoder.card.size, generator=torch.Generator().manual_seed(3))
    training = encoder.training
    encoder.eval()
    with torch.no_grad():
        ours = encoder(images).pooled
    encoder.train(training)
    theirs = used(result.path, images, monkeypatch)
    assert theirs.shape == ours.shape == (count, encoder.card.dim)
    assert (theirs - ours).abs().max() <= 1e-4 * ours.abs().max()
    assert ours.std(0).max() > 1e-3 * ours.abs().max(), "images that give the same features would show nothing"
    assert result.facts == json.loads((result.path / "export.json").read_text())
    assert result.facts["checked"]["relative"] <= 1e-4
    return result


def trained(encoder: Encoder) -> Encoder:
    """``encoder`` with batch statistics of its own, as after training: one forward of noise in training mode."""
    norms = [module for module in encoder.train().modules() if isinstance(module, torch.nn.modules.batchnorm._BatchNorm)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = 1.0
    with torch.no_grad():
        encoder(torch.rand(8, encoder.card.channels, *encoder.card.size, generator=torch.Generator().manual_seed(1)))
    for norm, momentum in zip(norms, momenta):
        norm.momentum = momentum
    return encoder
