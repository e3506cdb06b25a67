"""No more encoders are held than there is room for, and always one."""

from __future__ import annotations

from functools import partial

from vesalius.encoders import Encoder, build_encoder
from vesalius.evaluate.pairs.shelf import Shelf


def test_the_longest_unused_is_given_up() -> None:
    loads: list[str] = []

    def load(name: str) -> Encoder:
        loads.append(name)
        return build_encoder("resnet18", width=0.0625)

    size = sum(tensor.nbytes for tensor in build_encoder("resnet18", width=0.0625).network.state_dict().values())
    shelf = Shelf(room=2 * size)
    for name in "aababcab":
        assert not shelf.taken(name, partial(load, name)).training
    assert loads == ["a", "b", "c", "a", "b"]


def test_one_that_is_too_large_is_held_while_it_is_used() -> None:
    shelf = Shelf(room=1)
    first = shelf.taken("a", lambda: build_encoder("resnet18", width=0.0625))
    assert shelf.taken("a", lambda: build_encoder("resnet18", width=0.0625)) is first
