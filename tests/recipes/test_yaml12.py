"""YAML by the scalars of version 1.2, against the core schema's own table."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from vesalius.errors import UserError
from vesalius.recipes.yaml12 import parse, read

# YAML 1.2.2, section 10.3.2, word for word
CORE = [
    (r"null|Null|NULL|~", lambda text: None),
    (r"true|True|TRUE", lambda text: True),
    (r"false|False|FALSE", lambda text: False),
    (r"[-+]?[0-9]+", int),
    (r"0o[0-7]+", lambda text: int(text[2:], 8)),
    (r"0x[0-9a-fA-F]+", lambda text: int(text[2:], 16)),
    (r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", float),
    (r"[-+]?(\.inf|\.Inf|\.INF)", lambda text: float(text.replace(".", ""))),
    (r"\.nan|\.NaN|\.NAN", lambda text: math.nan),
]


def by_the_table(text: str) -> object:
    for pattern, made in CORE:
        if re.fullmatch(pattern, text):
            return made(text)
    return text


def equal(a: object, b: object) -> bool:
    both_nan = isinstance(a, float) and isinstance(b, float) and math.isnan(a) and math.isnan(b)
    return both_nan or (type(a) is type(b) and a == b)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 1e-3), ("1e3", 1000.0), (".5", 0.5), ("5.", 5.0), ("010", 10), ("0o10", 8), ("0x1F", 31), ("-0", 0),
        ("no", "no"), ("yes", "yes"), ("on", "on"), ("off", "off"), ("y", "y"), ("1:30", "1:30"), ("1_000", "1_000"),
        ("2024-01-31", "2024-01-31"), ("0b1", "0b1"), ("", None), ("~", None), ("nUll", "nUll"), ("-.inf", -math.inf),
        (".nan", math.nan), ("0o8", "0o8"), ("+12", 12), ("'1'", "1"), ("[1, no]", [1, "no"]), ("=", "="),
    ],
)  # fmt: skip
def test_scalars(text: str, value: object) -> None:
    assert equal(parse(text), value)


@given(st.from_regex(r"[-+]?[0-9.]{1,6}([eE][-+]?[0-9]{1,2})?|0[ox][0-9a-fA-F]{1,4}|[a-zA-Z~.]{1,5}", fullmatch=True))
def test_plain_scalars_follow_the_table(text: str) -> None:
    if text in (".", "...", "---") or text.startswith("- "):  # marks of the document, not scalars
        return
    assert equal(parse(text), by_the_table(text)), text


@given(st.floats(allow_nan=False), st.integers(-(10**12), 10**12), st.text("abcdefnotyres ", min_size=1))
def test_what_python_writes_is_read_back(number: float, whole: int, word: str) -> None:
    shown = {math.inf: ".inf", -math.inf: "-.inf"}.get(number, repr(number))
    found = parse(f'{{a: {shown}, b: {whole}, c: "{word}"}}')
    assert found == {"a": number, "b": whole, "c": word}


def test_a_merge_key_is_a_key_and_anchors_work() -> None:
    assert parse("{a: &x {k: 1}, b: *x, <<: 3}") == {"a": {"k": 1}, "b": {"k": 1}, "<<": 3}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: [1", "line 1, column 6"),
        ("a: 1\nb: 2\na: 3", "line 3, column 1: the key 'a' stands there twice"),
        ("a: *nobody", "undefined alias"),
        ("!!int abc", "ValueError"),
        ("!!python/object/apply:os.system ['true']", "could not determine a constructor"),
        ("a: 1\n---\nb: 2", "found another document"),
        ("\x00", "special characters are not allowed"),
        ("[" * 3000, "RecursionError"),
        ("9" * 5000, "ValueError"),
    ],
)
def test_what_is_no_yaml_is_said_in_one_line(text: str, words: str) -> None:
    with pytest.raises(UserError, match=re.escape(words)) as error:
        parse(text, "my.yaml")
    assert str(error.value).startswith("my.yaml is not valid YAML")
    assert "\n" not in str(error.value)
    assert str(error.value).endswith(".")


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"\xff\xfe\x00", "not text in UTF-8"), (b"- 1\n- 2", "no mapping"), (b"", "no mapping"), (None, "could not be read: No such file")],
)
def test_files_that_hold_no_mapping(tmp_path: Path, content: bytes | None, words: str) -> None:
    file = tmp_path / "x.yaml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(UserError, match=words):
        read(file)


def test_a_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text("größe: 1e-3\n", encoding="utf-8")
    assert read(tmp_path / "x.yaml") == {"größe": 0.001}


def test_safe_loaders_of_others_are_left_alone() -> None:
    parse("a: no")
    assert yaml.safe_load("a: no") == {"a": False}
