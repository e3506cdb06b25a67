from __future__ import annotations

import pickle

from vesalius.data.outcomes import PASSING, Kind, Unreadable


def test_a_refusal_has_a_kind_and_a_sentence_and_goes_between_processes() -> None:
    error = Unreadable(Kind.TRUNCATED, "The file ends before its pixels do.")
    assert error.kind == "truncated"
    assert str(error) == "The file ends before its pixels do."
    assert error.__reduce__()[0] is Unreadable
    assert pickle.dumps(Kind.TRUNCATED)


def test_only_what_may_pass_without_the_file_changing_is_tried_again() -> None:
    assert {Kind.MISSING, Kind.UNREACHABLE, Kind.NEEDS_PACKAGE} == PASSING
    assert Kind.CORRUPT not in PASSING
