from __future__ import annotations

from pathlib import Path

from tests.coverage.command_line import vesalius
from vesalius import cli_selection

assert cli_selection


def test_a_first_word_with_hyphens_is_a_field_and_not_the_file(tmp_path: Path) -> None:
    found = vesalius("select", "--data", str(tmp_path / "nowhere"), "--n", "3")
    assert found.code == 2
    assert "nowhere" in found.said or "encoder" in found.said
    assert "--data" not in found.said.split()[0]
