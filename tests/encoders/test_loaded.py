from __future__ import annotations

from vesalius.encoders.loaded import Loaded, some


def test_heads_and_what_nothing_ever_used_are_told_from_the_rest() -> None:
    unexpected = ("fc.weight", "module.head.0.bias", "queue_ptr", "blocks.0.norm_cross_attn.weight", "layer9.conv1.weight")
    found = Loaded("file.pth", ("a",), (), unexpected)
    assert found.heads == unexpected[:3]
    assert found.dead == unexpected[3:4]


def test_the_sentence_counts_what_matched_and_names_the_layout() -> None:
    text = Loaded("file.pth", ("a", "b"), ("c",), (), layout="MoCo v2").sentence()
    assert text.startswith("2 of 3 tensors from file.pth (MoCo v2)")


def test_of_many_names_the_first_are_said() -> None:
    assert some([]) == "none"
    assert some(["a", "b"]) == "a, b"
    assert some(list("abcdef")) == "a, b, c, d and 2 more"
