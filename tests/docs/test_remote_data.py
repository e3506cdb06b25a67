"""The page on remote data: its commands are commands; what it says happens is shown in tests/remote."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from vesalius.cli import app
from vesalius.files import is_remote

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "remote-data.md").read_text()


def test_its_commands_are_commands_on_addresses() -> None:
    lines = [line for block in re.findall(r"^```bash\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL) for line in block.splitlines()]
    assert len(lines) >= 6
    for line in lines:
        program, *words = shlex.split(line)
        assert program == "vesalius"
        app.parse_args(words, exit_on_error=False, print_error=False)
        assert any(is_remote(word.rpartition("@")[2]) for word in words), line
