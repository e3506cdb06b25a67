"""docs/dicom.md: its commands are understood, its recipes exist, its figures are those of the tests."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from tests.data.readers.test_dicom import REFUSED
from vesalius.cli import app
from vesalius.data.label_files import KEYS
from vesalius.data.readers.dicom_header import _WANTED
from vesalius.recipes.arguments import from_pairs
from vesalius.recipes.shipped import names

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "dicom.md").read_text()
LINES = [shlex.split(line) for block in re.findall(r"^```bash\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL) for line in block.splitlines()]


@pytest.mark.parametrize("words", LINES, ids=lambda words: " ".join(words[1:4]))
def test_the_pages_commands_are_understood(words: list[str]) -> None:
    assert words[0] == "vesalius"
    command, _, _ = app.parse_args(words[1:], exit_on_error=False, print_error=False)
    assert command.__name__.removeprefix("data_") in words
    if words[1] in ("pretrain", "finetune"):
        assert words[2] in names(words[1])
        from_pairs([(name.removeprefix("--"), value) for name, value in zip(words[3::2], words[4::2])], words[1])


def test_the_page_names_what_is_read_and_what_is_refused() -> None:
    listed = PAGE.partition("only these elements are read:")[2].partition("Pixels are not touched")[0]
    for keyword in _WANTED.values():
        assert keyword in listed or keyword.endswith("UID") or keyword in PAGE
    for word in (*KEYS, *REFUSED):
        assert word in PAGE
