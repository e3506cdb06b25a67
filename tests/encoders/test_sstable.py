"""Tables as LevelDB writes them, and every way in which one can be spoilt."""

from __future__ import annotations

import random
import struct

import pytest

from tests.encoders.bundles import block, sealed, table, varint
from vesalius.data.unpickle import Refused
from vesalius.encoders.sstable import MAGIC, entries

ITEMS = [(f"base_model/conv2d_{i:03}/kernel".encode(), bytes([i % 251]) * (i % 40)) for i in range(100)]


@pytest.mark.parametrize("per_block", [1, 7, 100])
def test_keys_that_share_beginnings_in_many_blocks(per_block: int) -> None:
    assert list(entries(table(ITEMS, per_block))) == ITEMS


@pytest.mark.parametrize("cut", [0, 10, 47, 100, 2000])
def test_cut_short(cut: int) -> None:
    with pytest.raises(Refused, match="cut short"):
        list(entries(table(ITEMS)[:cut]))


@pytest.mark.parametrize(("kind", "words"), [(1, "Snappy"), (2, "unknown way 2")])
def test_compressed_blocks_are_said_to_be(kind: int, words: str) -> None:
    with pytest.raises(Refused, match=words):
        list(entries(table(ITEMS, kind=kind)))


def with_index(content: bytes, before: bytes = b"") -> bytes:
    """A table whose index block is ``content``."""
    places = varint(0) + varint(0) + varint(len(before)) + varint(len(content))
    return before + sealed(content) + places.ljust(40, b"\0") + MAGIC


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (block([(b"a", varint(1 << 60) + varint(8))]), "which is not in it"),
        (block([(b"a", varint(0) + varint(1 << 60))]), "which is not in it"),
        (block([(b"a", b"\xff" * 11)]), "more than 64 bits"),
        (block([(b"a", b"\x80")]), "cut short within a number"),
        (varint(5) + varint(1) + varint(0) + b"k" + struct.pack("<2I", 0, 1), "longer than the block"),
        (varint(0) + varint(1 << 40) + varint(0) + b"k" + struct.pack("<2I", 0, 1), "longer than the block"),
        (struct.pack("<I", 1 << 31), "too short for its own table"),
        (varint(0) + varint(5000) + varint(0) + b"k" * 5000 + struct.pack("<2I", 0, 1), "a name of 5000 bytes"),
    ],
)
def test_numbers_that_lead_out_of_the_file(content: bytes, words: str) -> None:
    with pytest.raises(Refused, match=words):
        list(entries(with_index(content)))


def test_a_block_named_again_and_again() -> None:
    content = block(ITEMS[:4])
    places = [(bytes([i]), varint(0) + varint(len(content))) for i in range(9)]
    with pytest.raises(Refused, match="more than once"):
        list(entries(with_index(block(places), sealed(content))))


def test_one_changed_byte_anywhere_is_found() -> None:
    whole = table(ITEMS[:20], 5)
    draw = random.Random(0)
    for at in draw.sample(range(len(whole) - 48), 60):
        spoilt = bytearray(whole)
        spoilt[at] ^= 1 << draw.randrange(8)
        try:
            found = list(entries(bytes(spoilt)))
        except Refused:
            continue
        assert found == ITEMS[:20], "only the block of nothing that TensorFlow adds is never looked at"
