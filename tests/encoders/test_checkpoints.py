"""Every row of docs/checkpoints.md: the file as its project writes it, recognised, and its features are the project's."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.encoders.layouts.files_of_others import ROWS
from vesalius.encoders import load_encoder

PAGE = Path(__file__).resolve().parents[2] / "docs" / "checkpoints.md"


@pytest.mark.parametrize("row", ROWS)
def test_a_row_of_the_table(row: str, tmp_path: Path) -> None:
    other = ROWS[row](tmp_path)
    channels, *size = other.shape
    encoder = load_encoder(other.path, size=tuple(size))
    assert encoder.card.architecture == other.name
    assert encoder.card.channels == channels
    assert other.options.items() <= dict(encoder.card.options).items()
    assert other.words in encoder.loaded.layout
    assert encoder.loaded.missing == ()
    assert bool(encoder.loaded.heads) is other.head
    x = torch.rand(2, *other.shape, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        theirs, ours = other.forward(x), encoder(x).pooled
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4 * float(theirs.abs().max()))
    assert float(theirs.std()) > 0
