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


def test_pictures_networks_and_reconstructions_of_the_users_are_not_named() -> None:
    fields = {"perceptual-distance": {"reconstructed": "/data/smith/made", "originals": "sample_images", "backbones": ["/data/smith/nets"]}}
    config, text = without_paths({"images": ["/data/smith/1.png"], "fields": {**fields, "rank": {"images": 25}}}, "")
    assert "smith" not in f"{config}{text}"
    assert config["fields"]["rank"] == {"images": 25}
