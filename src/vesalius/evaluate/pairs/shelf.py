"""Encoders at hand: as many as there is room for, the others are loaded again when they are needed."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from vesalius.encoders.encoder import Encoder

ROOM = 4 << 30
"""Bytes of weights that are held together, however many encoders an evaluation compares."""


class Shelf:
    """At most ``room`` bytes of encoders by name, the one that was longest not asked for given up first; always one."""

    def __init__(self, room: int = ROOM) -> None:
        self.room = room
        self._held: OrderedDict[str, Encoder] = OrderedDict()

    def taken(self, name: str, load: Callable[[], Encoder]) -> Encoder:
        """The encoder ``name`` in evaluation mode: the one that is held, else what ``load`` gives."""
        if name not in self._held:
            self._held[name] = load().eval()
        self._held.move_to_end(name)
        while len(self._held) > 1 and sum(map(_bytes, self._held.values())) > self.room:
            self._held.popitem(last=False)
        return self._held[name]


def _bytes(encoder: Encoder) -> int:
    return sum(tensor.nbytes for tensor in encoder.network.state_dict().values())
