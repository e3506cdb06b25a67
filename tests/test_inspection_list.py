"""``vesalius list``: a line for each name, and one whole plain sentence about it."""

from __future__ import annotations

import pytest

from vesalius import registry
from vesalius.errors import UserError
from vesalius.inspection_list import groups


def listed(capsys: pytest.CaptureFixture[str], group: str) -> dict[str, str]:
    groups(group)
    rows = [line.split("\t") for line in capsys.readouterr().out.splitlines()[1:]]
    assert {row[0] for row in rows} == {group}
    return {row[1]: row[3] for row in rows}


@pytest.mark.parametrize("group", ["protocols", "operations", "formats", "strategies"])
def test_sentences_are_plain_and_whole(group: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = listed(capsys, group)
    assert set(registry.names(group)) <= set(found)
    for name, said in found.items():
        assert said, name
        assert "``" not in said
        assert not said.startswith(("vesalius ", f"{name}:")), "the name stands in the line already"
        assert said.count("(") == said.count(")"), f"{said!r} ends in the middle of a bracket"
        assert not said.endswith((" al", ","))


def test_a_group_that_is_not_there_is_refused() -> None:
    with pytest.raises(UserError, match="protocols"):
        groups("protocol")
