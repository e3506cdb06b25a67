from __future__ import annotations

import yaml

from vesalius.runs.commented import HEAD, commented

TEXT = yaml.dump({"epochs": 3, "method": {"name": "simclr", "temperature": 0.5}, "monitors": [{"name": "knn", "k": 5}]}, sort_keys=False)


def test_a_note_stands_behind_the_value_it_is_about() -> None:
    out = commented(TEXT, {"epochs": "given with the command", "method": "demo", "monitors.knn.k": "base"})
    assert out.startswith(HEAD)
    lines = out.splitlines()
    assert "epochs: 3  # given with the command" in lines
    assert "  temperature: 0.5  # demo" in lines
    assert any(line.endswith("k: 5  # base") for line in lines)


def test_comments_change_nothing_of_what_it_means() -> None:
    assert yaml.safe_load(commented(TEXT, {"method.name": "x", "monitors": "y"})) == yaml.safe_load(TEXT)
    assert commented(TEXT, {}) == TEXT
