from __future__ import annotations

import pytest

from vesalius.data.subjects import hashed, subjects_of
from vesalius.errors import UserError

PATHS = ["x/patient12/a.png", "x/patient12/b.png", "x/patient7/a.png", "x/other/a.png"]


def test_paths_of_one_person_get_one_name_that_says_nothing() -> None:
    found = subjects_of(PATHS, r"(patient\d+)")
    assert found[0] == found[1] != found[2]
    assert found[3] is None
    assert "patient12" not in str(found[0])
    assert found[0] == hashed(["patient12"])[0]


@pytest.mark.parametrize(("pattern", "said"), [(r"patient\d+", "has 0 groups"), ("(nobody)", "matches none of the 4 paths"), ("(", "not a regular expression")])
def test_a_rule_that_finds_nobody_is_refused(pattern: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        subjects_of(PATHS, pattern)
