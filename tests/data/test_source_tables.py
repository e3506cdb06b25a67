"""Tables of sources: what is no CSV, or another table, is refused by name with what to do."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from vesalius.data.source_tables import read_table
from vesalius.errors import UserError


def test_headings_are_stripped_and_archives_read(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(" name ,value\nx,1\n")
    with zipfile.ZipFile(tmp_path / "b.csv.zip", "w") as archive:
        archive.write(tmp_path / "a.csv", "a.csv")
    for file in ("a.csv", "b.csv.zip"):
        frame = read_table(tmp_path / file, ("name", "value"), what="it", remedy="Do it.")
        assert frame.to_dict("list") == {"name": ["x"], "value": [1]}
    assert read_table(tmp_path / "a.csv", (), what="it", remedy="", dtype={"value": str})["value"].tolist() == ["1"]


@pytest.mark.parametrize(("text", "said"), [("", "cannot be read as CSV"), ("a,b\n1,2\n", "has no column 'name', 'value', so it is not it")])
def test_other_tables_are_refused(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(UserError, match=said) as caught:
        read_table(tmp_path / "a.csv", ("name", "value"), what="it", remedy="Get it again.")
    assert str(caught.value).endswith("Get it again.")
    assert "\n" not in str(caught.value)
