from __future__ import annotations

from typing import Any

import pytest
import torch

from vesalius.encoders.layouts.contents import Contents
from vesalius.encoders.layouts.families import encoder_in

NAMES = ("conv1.weight", "layer1.0.conv1.weight", "layer4.1.bn2.bias")


def part(*roots: str, more: tuple[str, ...] = ()) -> Any:
    tensors = {root + name: torch.full((1,), float(place)) for place, root in enumerate(roots) for name in NAMES} | dict.fromkeys(more, torch.ones(1))
    return encoder_in(Contents(tensors, "checkpoint"))


@pytest.mark.parametrize(
    ("roots", "more", "family", "root"),
    [
        (("module.encoder_q.", "module.encoder_k."), (), "MoCo, its query encoder", "module.encoder_q."),
        (("online_network.encoder.", "target_network.encoder."), (), "BYOL, its target encoder", "target_network.encoder."),
        (("backbone.",), ("projection_head.0.weight",), "lightly, its backbone", "backbone."),
        (("module.",), ("module.prototypes.weight",), "SwAV, its encoder", "module."),
        (("",), (), "plain names", ""),
        (("net.momentum_copy.", "net.of.mine."), (), "names under net.of.mine", "net.of.mine."),
    ],
)
def test_of_several_copies_the_one_to_use_is_taken(roots: tuple[str, ...], more: tuple[str, ...], family: str, root: str) -> None:
    found = part(*roots, more=more)
    assert (found.family, found.root) == (family, root)
    assert set(NAMES) <= set(found.tensors)


def test_where_there_is_no_encoder_there_is_none() -> None:
    assert part(more=("head.weight",)) is None
