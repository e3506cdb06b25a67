from __future__ import annotations

import pytest

from vesalius.recipes import shipped, yaml12


@pytest.mark.parametrize("verb", shipped.FOLDERS)
def test_every_other_name_means_a_recipe_that_is_there(verb: str) -> None:
    for name, meant in shipped.recipe_aliases(verb).items():
        assert shipped.shipped_name(name, verb) == meant
        assert meant in shipped.names(verb)
        assert name not in shipped.names(verb)


@pytest.mark.parametrize("verb", shipped.FOLDERS)
def test_every_recipe_is_a_mapping_under_its_own_name(verb: str) -> None:
    assert shipped.names(verb)
    for name in shipped.names(verb):
        assert shipped.shipped_name(name, verb) == name
        assert isinstance(yaml12.parse(shipped.text_of(name, verb), name), dict)
    assert shipped.shipped_name("no-such-recipe", verb) is None
