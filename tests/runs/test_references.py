"""What a page is told of where things lie."""

from __future__ import annotations

import pytest

from vesalius.runs.references import without_paths


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("https://example.org/c.ckpt", "https://example.org/c.ckpt"),
        ("https://example.org/c.ckpt?signature=secret&expires=9", "https://example.org/c.ckpt"),
        ("https://example.org/c.ckpt?signature=secret#sha256=ab", "https://example.org/c.ckpt#sha256=ab"),
        ("file:///home/somebody/patients/c.ckpt", "…/c.ckpt"),
        ("mlflow:1234", "mlflow:1234"),
    ],
)
def test_an_address_is_shown_without_its_signature(given: str, shown: str) -> None:
    config, text = without_paths({"encoder": given}, f"encoder: {given}\n")
    assert config["encoder"] == shown
    assert text == f"encoder: {shown}\n" or shown in text
    assert "secret" not in text
