"""The index: what is written is read, the last row of an id counts, sentences stay with their rows."""

from __future__ import annotations

import zipfile
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vesalius.data.records import RECORD, Records

ROW = st.tuples(st.integers(0, 6), st.integers(0, 10**12), st.one_of(st.none(), st.sampled_from(["cut", "empty", "µ"])))


def _records(rows: list[Any]) -> Records:
    array = np.zeros(len(rows), RECORD)
    sentences: list[str] = []
    for place, (number, start, sentence) in enumerate(rows):
        array[place]["id"], array[place]["start"], array[place]["reason"] = number, start, -1
        array[place]["length"], array[place]["digest"] = 6, bytes([number] * 16)
        if sentence is not None:
            array[place]["reason"] = len(sentences)
            sentences.append(sentence)
    return Records(array, sentences)


def _plain(records: Records) -> list[Any]:
    return [
        (int(row["id"]), int(row["start"]), None if row["reason"] < 0 else records.sentences[row["reason"]])
        for row in records.rows
    ]


@given(st.lists(ROW), st.lists(ROW))
def test_joined_latest_and_stored(first: list[Any], second: list[Any]) -> None:
    joined = _records(first).joined(_records(second))
    assert _plain(joined) == first + second
    latest = joined.latest()
    expected = {row[0]: row for row in first + second}
    assert _plain(latest) == [expected[number] for number in sorted(expected)]
    assert len(latest.sentences) == sum(row[2] is not None for row in expected.values())
    again = Records.from_bytes(latest.to_bytes())
    assert _plain(again) == _plain(latest)
    assert np.array_equal(again.rows, latest.rows)


def test_another_version_is_refused() -> None:
    records = Records(np.zeros(3, np.dtype([("id", "<u8")])), [])
    with pytest.raises(ValueError, match="another version"):
        Records.from_bytes(records.to_bytes())
    with pytest.raises((ValueError, zipfile.BadZipFile)):
        Records.from_bytes(b"not an index")


def test_ends() -> None:
    records = _records([(1, 100, None), (2, 300, "cut")])
    records.rows["length"] = [12, 6]
    assert records.ends().tolist() == [112, 0]
