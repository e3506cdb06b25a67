"""Files that a configuration names: found wherever they are said, and noticed when they change."""

from __future__ import annotations

from pathlib import Path

import pytest

from vesalius.runs.named_files import changed, digests


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder.yaml").mkdir()
    for name in ("views.yaml", "network.py", "strong.yml", "plugin.py", "images.csv"):
        (tmp_path / name).write_text(name)
    return {
        "views": str(tmp_path / "views.yaml"),
        "encoder": {"name": "network.py:build", "width": 4},
        "monitors": [{"name": "knn"}, {"name": "linear", "views": "strong.yml"}],
        "plugins": ["plugin.py"],
        "data": {"train": "images.csv", "root": "folder.yaml", "gone": "gone.yaml"},
        "seed": 0,
    }


def test_files_are_found_wherever_they_are_said(config: dict[str, object]) -> None:
    found = digests(config)
    assert found.keys() == {"views", "encoder.name", "monitors.2.views"}, "a plugin is copied, data have digests of their own"
    assert all(len(digest) == 64 for digest in found.values())
    assert len(set(found.values())) == 3
    assert digests({"views": "simclr"}) == {}


def test_what_changed_is_named(config: dict[str, object], tmp_path: Path) -> None:
    known = digests(config)
    assert changed(config, known) == []
    (tmp_path / "network.py").write_text("another")
    (tmp_path / "strong.yml").unlink()
    assert changed(config, known) == ["network.py (encoder.name)"], "what is gone is left to whoever reads it"
    assert changed(config, {}) == [], "nothing is known of an older run"
