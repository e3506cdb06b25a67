from __future__ import annotations

from vesalius.report import values as v


def test_what_is_not_a_finite_number_is_none() -> None:
    for junk in (None, True, "3", [], {}, float("nan"), float("inf"), 10**400):
        assert v.number(junk) is None
    assert v.number(3) == 3.0
    assert v.whole(3.0) == 3
    assert v.whole(3.5) is None


def test_positions_lie_inside() -> None:
    assert v.index(0, 1) == 0
    assert v.index(1, 1) is None
    assert v.index(-1, 5) is None


def test_containers_of_another_kind_are_empty() -> None:
    assert v.mapping([1]) == {}
    assert v.records({"a": 1}) == []
    assert v.records([{"a": 1}, 3, None]) == [{"a": 1}]
    assert v.texts("one") == ["one"]
    assert v.texts(["one", None, 2]) == ["one", "2"]
    assert v.text({"a": 1}) == ""
    assert v.text(0) == "0"
