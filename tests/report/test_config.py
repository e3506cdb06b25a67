from __future__ import annotations

from pathlib import Path

import yaml

from vesalius.report import config
from vesalius.report.reading import RunRecord


def _run(letter: str, text: str) -> RunRecord:
    return RunRecord(path=Path(letter), letter=letter, config_text=text, config=yaml.safe_load(text) or {})


def test_only_differing_settings_are_listed() -> None:
    first = _run("A", "a: {b: 1, c: [1, 2]}\nsame: yes\nm: [{k: 3}]\n")
    second = _run("B", "a: {b: 1, c: [1, 3]}\nsame: yes\nm: [{k: 4}]\nonly: null\n")
    assert config.differences([first, second]) == [
        ("a.c", ["[1, 2]", "[1, 3]"]),
        ("m.0.k", ["3", "4"]),
        ("only", ["–", "null"]),
    ]


def test_equal_configurations_have_no_differences() -> None:
    run = _run("A", "a: 1\n")
    assert config.section([run, run]).parts["differing"] == []


def test_every_line_of_the_file_is_kept() -> None:
    text = "# note: x\nkey: value # why\nlist:\n- {a: 1}\nurl: a://b\n'q:': 1\n"
    lines = config.section([_run("", text)]).blocks[0].parts["lines"]
    assert "\n".join(key + rest for key, rest in lines) + "\n" == text
    assert lines[0][0] == ""
    assert lines[1] == ("key:", " value # why")
