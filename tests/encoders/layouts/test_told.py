from __future__ import annotations

import pytest

from vesalius.encoders.layouts.told import channels_in_words, count_of


def test_blocks_are_counted_by_what_their_names_begin_with() -> None:
    names = dict.fromkeys(["layer1.0.conv1", "layer1.0.bn1", "layer1.1.conv1", "layer2.0.conv1", "head.layer1.9"])
    assert count_of(names, r"layer1\.(\d+)\.") == 2
    assert count_of(names, r"layer3\.(\d+)\.") == 0


@pytest.mark.parametrize(("count", "words"), [(1, "1 input channel"), (3, "3 input channels")])
def test_channels_are_said_in_words(count: int, words: str) -> None:
    assert channels_in_words(count) == words
