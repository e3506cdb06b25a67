from __future__ import annotations

import numpy as np
import pytest

from vesalius.errors import UserError
from vesalius.select.path_keys import path_keys
from vesalius.terminal import Terminal

NAMES = np.asarray(["cam1/2024-05-01-007.png", "cam2/2024-06-30-1.png", "notes.png"])


@pytest.mark.parametrize("pattern", [r"(?P<camera>[^/]+)/(?P<date>\d{4}-\d\d-\d\d)-(?P<n>\d+)", "{camera}/{date}-{n}.png"])
def test_named_groups_and_templates(pattern):
    found = path_keys(NAMES, pattern, Terminal(quiet=True))
    assert found["camera"].tolist() == ["cam1", "cam2", None]
    if "P<" in pattern:
        assert found["date"].tolist() == ["2024-05-01", "2024-06-30", None]
        assert found["n"].tolist() == ["007", "1", None]


def test_a_field_that_occurs_twice_is_the_same_twice():
    found = path_keys(np.asarray(["a/a_1.png", "a/b_1.png"]), "{who}/{who}_{n}.png", Terminal(quiet=True))
    assert found["who"].tolist() == ["a", None]


def test_quantifiers_do_not_make_a_template():
    assert path_keys(np.asarray(["ab12.png"]), r"(?P<n>\d{2})\.png$", Terminal(quiet=True))["n"].tolist() == ["12"]


@pytest.mark.parametrize(
    ("pattern", "said"), [("(?P<a>", "no regular expression"), (r"cam\d", "names nothing"), ("(?P<x>zzz)", "matches none of the 3 names")]
)
def test_patterns_of_no_use_are_refused(pattern, said):
    with pytest.raises(UserError, match=said):
        path_keys(NAMES, pattern, Terminal(quiet=True))
