from __future__ import annotations

import numpy as np
import pytest

from vesalius.encoders.crc32c import crc32c, masked


@pytest.mark.parametrize(
    ("data", "known"),
    [
        (b"", 0),
        (b"123456789", 0xE3069283),
        (bytes(32), 0x8A9136AA),  # this and the next two: RFC 3720, appendix B.4
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
    ],
)
def test_known_checksums(data: bytes, known: int) -> None:
    assert crc32c(data) == known


def bit_by_bit(data: bytes) -> int:
    register = 0xFFFFFFFF
    for byte in data:
        register ^= byte
        for _ in range(8):
            register = (register >> 1) ^ (0x82F63B78 if register & 1 else 0)
    return register ^ 0xFFFFFFFF


@pytest.mark.parametrize("length", [4095, 4096, 4097, 20_003, 65_536])
def test_lanes_give_what_a_loop_gives(length: int) -> None:
    data = np.random.default_rng(length).bytes(length)
    assert crc32c(data) == bit_by_bit(data)
    changed = bytearray(data)
    changed[length // 2] ^= 1
    assert crc32c(changed) != crc32c(data)


def test_the_stored_form_is_turned() -> None:
    assert masked(0) == 0xA282EAD8
    assert masked(0xFFFFFFFF) == 0xA282EAD7
