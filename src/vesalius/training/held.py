"""What one step after another gives, looked at at once or a step late."""

from __future__ import annotations

from typing import Generic, TypeVar

T = TypeVar("T")


class Held(Generic[T]):
    """Holds one thing. ``late``: it is given out when the next is put in, so that whoever looks at it waits for no device; else at once."""

    def __init__(self, late: bool) -> None:
        self._late = late
        self._held: T | None = None

    def put(self, new: T) -> T | None:
        """What is to be looked at now that there is ``new``: that, or when ``late`` what was put in before."""
        earlier, self._held = self._held, new
        return earlier if self._late else self.take()

    def take(self) -> T | None:
        """What is still held, and is then no longer."""
        held, self._held = self._held, None
        return held
