"""Whether ours is the network of the library it comes from."""

from __future__ import annotations

import pytest

from vesalius.encoders import build_encoder
from vesalius.encoders.reference_network import difference


@pytest.mark.parametrize("padding", [None, "symmetric", "same_pool", "same"])
def test_padding_is_no_difference_where_sides_are_odd(padding: str | None) -> None:
    options = {} if padding is None else {"padding": padding}
    found = difference(build_encoder("resnet18", stem="standard", size=(64, 64), **options).eval())
    assert found is not None
    assert found < 1e-5


def test_a_difference_is_found() -> None:
    encoder = build_encoder("resnet18", stem="standard", size=(64, 64), padding="same").eval()
    encoder.network.get_submodule("layer2.0.conv1").stride = (1, 1)  # a network that is another
    encoder.network.get_submodule("layer2.0.downsample.0").stride = (1, 1)
    found = difference(encoder)
    assert found is not None
    assert found > 1e-3


@pytest.mark.parametrize("options", [{"width": 0.5}, {"stem": "small"}, {"channels": 1}])
def test_nothing_to_compare_with(options: dict[str, object]) -> None:
    assert difference(build_encoder("resnet18", **{"stem": "standard", "size": (64, 64), **options}).eval()) is None
