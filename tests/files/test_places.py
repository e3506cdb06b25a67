from __future__ import annotations

from pathlib import Path

import pytest

from vesalius.files.places import cache_folder


def test_the_environment_names_the_cache_else_the_platform(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("VESALIUS_CACHE", str(tmp_path / "not there yet"))
    assert cache_folder() == tmp_path / "not there yet"
    assert not cache_folder().exists()
    monkeypatch.setenv("VESALIUS_CACHE", "~/pixels")
    assert cache_folder() == Path.home() / "pixels"
    monkeypatch.delenv("VESALIUS_CACHE")
    assert cache_folder().name == "vesalius"
