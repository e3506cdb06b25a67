from __future__ import annotations

from typing import Any

import pytest

from vesalius.data.filtering import conditions, filtered
from vesalius.data.table import SampleTable
from vesalius.errors import UserError

VIEWS = ["frontal", "lateral", "frontal", None]


def table() -> SampleTable:
    columns = {"view": VIEWS, "meta.age": [17, 18, 65, None], "meta.sex": ["F", "M", "M", "F"], "label.mass": [1, 0, None, 1]}
    return SampleTable.of("made-up", "/data", [f"{i}.png" for i in range(4)], columns)


@pytest.mark.parametrize(
    ("given", "rows"),
    [
        (None, [0, 1, 2, 3]),
        ("all", [0, 1, 2, 3]),
        ("frontal", [0, 2]),
        ("view=frontal", [0, 2]),
        ("View = Frontal", [0, 2]),
        ("view=frontal,lateral", [0, 1, 2]),
        ({"view": "frontal"}, [0, 2]),
        ({"view": ["frontal", "lateral"]}, [0, 1, 2]),
        ("sex=M; view=frontal", [2]),
        ({"meta": {"sex": "M"}}, [1, 2]),
        ({"meta.age": 18}, [1]),
        ("age=18..65", [1, 2]),
        ("age=..18", [0, 1]),
        ("age=18..", [1, 2]),
        ("age=17,60..", [0, 2]),
        ("mass=1", [0, 3]),
        ("view=all; sex=F", [0, 3]),
    ],
)
def test_rows_that_are_meant(given: Any, rows: list[int]) -> None:
    assert [int(uri[0]) for uri in filtered(table(), given).frame["uri"]] == rows


@pytest.mark.parametrize(
    ("given", "rows"),
    [(None, [0, 2]), ("all", [0, 1, 2, 3]), ("lateral", [1]), ("sex=F", [0]), ("view=all; sex=F", [0, 3]), ({"view": "all"}, [0, 1, 2, 3])],
)
def test_a_source_s_own_filter_holds_for_columns_that_are_not_named(given: Any, rows: list[int]) -> None:
    assert [int(uri[0]) for uri in filtered(table(), given, {"view": "frontal"}).frame["uri"]] == rows


def test_what_was_left_out_is_said() -> None:
    assert filtered(table(), "age=18..; sex=M").rows_meant == "age=18..; sex=M (2 of 4 images)"
    assert filtered(table(), "all").rows_meant == ""


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("veiw=frontal", "no column 'veiw' to filter by. Did you mean 'view'"),
        ("view=oblique", "No row of made-up is left after the filter view=oblique. That column holds frontal, lateral"),
        ("view=", "cannot be understood. Write COLUMN=VALUE"),
        ("sex=F; =3", "cannot be understood"),
        ("sex=F and age>3", "No row of made-up is left"),
        ("__import__('os')", "No row of made-up is left after the filter view="),
    ],
)
def test_what_cannot_be_meant(given: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        filtered(table(), given)


def test_a_view_may_be_called_all_only_as_a_word() -> None:
    assert conditions("all", {"view": "frontal"}) == {}
    assert conditions({"view": "all"}, {"view": "frontal", "meta.sex": "F"}) == {"meta.sex": ("F",)}
