"""One thing held: looked at at once, or when the next is there, and never twice."""

from vesalius.training.held import Held


def test_at_once() -> None:
    held = Held[str](late=False)
    assert [held.put("a"), held.put("b"), held.take()] == ["a", "b", None]


def test_late() -> None:
    held = Held[str](late=True)
    assert [held.put("a"), held.put("b"), held.take(), held.take(), held.put("c")] == [None, "a", "b", None, None]
