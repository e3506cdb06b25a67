from __future__ import annotations

import pytest

from vesalius import registry
from vesalius.data.source_names import ALIASES, also_called, meant, plain


def test_every_alias_means_a_source_there_is() -> None:
    for alias in ALIASES:
        source, _ = meant(alias)
        assert source in registry.names("sources")
        assert any(name.partition(" ")[0] == alias for name in also_called(source))


@pytest.mark.parametrize("name", ["ichallenge_amd", "iChallenge-AMD", "ichallenge-amd"])
def test_capitals_and_underscores_do_not_matter(name: str) -> None:
    assert plain(name) == "ichallenge-amd"
    assert meant(name) == ("ichallenge-amd", None)
    assert meant("my-own") == ("my-own", None)
